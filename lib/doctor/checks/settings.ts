import type { Check } from '../types.ts';

export const settings: Check = {
  name: 'settings',
  summary: 'flags, environment and ci-config.env can be read; no name in them is misspelt',
  run: async ({ settingsFinding }) => settingsFinding,
};

export const tree: Check = {
  name: 'tree',
  summary: 'the folder is the root of an OS tree that Slipway knows',
  run: async ({ treeFinding }) => treeFinding,
};
