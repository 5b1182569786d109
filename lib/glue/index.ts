import { bamboo } from './bamboo.ts';
import { buildbot } from './buildbot.ts';
import { github } from './github.ts';
import { gitlab } from './gitlab.ts';
import { jenkins } from './jenkins.ts';
import { tekton } from './tekton.ts';
import type { Generator } from './types.ts';

export type { Generator, GlueFacts, GlueFile } from './types.ts';

/** The CIs that glue is made for, by the name that `npm run glue` takes; their files are in config/glue/NAME/. */
export const GENERATORS: Readonly<Record<string, Generator>> = {
  bamboo,
  buildbot,
  github,
  gitlab,
  jenkins,
  tekton,
};
