import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Runner } from '../process/index.ts';
import type { RootRights } from './root-rights.ts';

/** Where Debian's packages ask whether they may start their services (deb-systemd-invoke(1p), invoke-rc.d(8)). */
const POLICY_FILE = '/usr/sbin/policy-rc.d';

const OWN_POLICY = fileURLToPath(new URL('policy-rc.d', import.meta.url));

/** What installing without service starts needs. */
export interface ServicePolicyTools {
  readonly effects: Runner;
  /** Still works after an interrupt. */
  readonly rescue: Runner;
  readonly rights: RootRights;
  /** Absolute path; default: where Debian's packages look. */
  readonly policyFile?: string;
}

/** A policy of the machine's owner; one that a killed run of Slipway left behind is none. */
const hasForeignPolicy = async (policyFile: string): Promise<boolean> => {
  const policy = await readFile(policyFile, 'utf8').catch(() => undefined);
  return policy !== undefined && policy !== (await readFile(OWN_POLICY, 'utf8'));
};

/**
 * Runs `work` while packages may not start services: an installation of openssh-server must not open a port of a laptop, and where
 * no service manager runs, a daemon started by a package script would belong to nobody. A policy that is there already stays.
 */
export const withoutServiceStarts = async (tools: ServicePolicyTools, work: () => Promise<void>): Promise<void> => {
  const { effects, rescue, rights, policyFile = POLICY_FILE } = tools;
  if (await hasForeignPolicy(policyFile)) return work();
  try {
    await effects.run(rights.wrap(['install', '-m', '0755', OWN_POLICY, policyFile]));
    await work();
  } finally {
    await rescue.run(rights.wrap(['rm', '-f', policyFile]));
  }
};
