import type { ErrorText } from '../slipway-error.ts';

/** Texts of the container errors. */
export const containerErrors = {
  ENGINE_MISSING: (c: { tried: readonly { command: string; detail: string }[] }): ErrorText => ({
    kind: 'failure',
    message: 'There is no working container engine on this machine; docker or podman is needed.',
    hint: [
      ...c.tried.map(({ command, detail }) => `${command}: ${detail}`),
      "Run 'npm run setup' in Slipway's checkout, which installs and starts one, or install docker or podman yourself.",
    ].join('\n'),
  }),
  ENGINE_NOT_RUNNING: (c: { command: string; detail: string }): ErrorText => ({
    kind: 'failure',
    message: `The container engine does not answer: '${c.command}' cannot reach its daemon.`,
    hint: `${c.detail.trimEnd()}\nStart it (systemctl start docker, or 'npm run setup' in Slipway's checkout), then run this again.`,
  }),
  ENGINE_START_FAILED: (c: { command: string; reason: string; logFile: string; lastLog: string }): ErrorText => ({
    kind: 'failure',
    message: `The docker daemon was started with '${c.command}', but ${c.reason}.`,
    hint: `${c.lastLog.trim() === '' ? 'It wrote no log.' : `The last lines of ${c.logFile}:\n${c.lastLog.trimEnd()}`}`,
  }),
  CONTAINER_NO_SPACE: (c: { doing: string; where: string }): ErrorText => ({
    kind: 'failure',
    message: `No space left on device while ${c.doing} (${c.where}).`,
    hint: "Free disk space, for example with 'docker system df' and 'docker system prune', then run this again.",
  }),
  CONTAINER_NAME_INVALID: (c: { name: string; version: string }): ErrorText => ({
    kind: 'misuse',
    message: `'${c.name}:${c.version}' cannot be the name of a container image.`,
    hint: "A name is lower-case letters, digits and single '.', '_', '-'; a version is at most 128 letters, digits, '_', '.' and '-' ('+' is written '-').",
  }),
  CONTAINER_IMAGE_MISSING: (c: { image: string; looked: readonly string[] }): ErrorText => ({
    kind: 'failure',
    message: `The container image ${c.image} is nowhere to be found.`,
    hint: [
      'Looked for it in:',
      ...c.looked.map((place) => `  ${place}`),
      'It is published by the step before this one: run that step for this version, or check the cache settings.',
    ].join('\n'),
  }),
  CONTAINER_IMAGE_WRONG_ID: (c: { image: string; expected: string; found: string; source: string }): ErrorText => ({
    kind: 'unverified',
    message: `The container image ${c.image} loaded from ${c.source} is not the published one.`,
    hint: `Its ID is ${c.found}, the published ID (.id file) is ${c.expected}. The image was removed again. Publish it anew, and find out who changed it.`,
  }),
  CONTAINER_IMAGE_ABSENT: (c: { reference: string }): ErrorText => ({
    kind: 'failure',
    message: `The container engine has no image ${c.reference}.`,
    hint: 'Somebody removed it after the step had made or fetched it; run the step again.',
  }),
  IMAGE_ARCHIVE_INVALID: (c: { reference: string; reason: string }): ErrorText => ({
    kind: 'failure',
    message: `The archive in which the container engine saved ${c.reference} cannot be used: ${c.reason}.`,
    hint: 'Expected the tar that docker save or podman save --format docker-archive writes. Save it by hand and look at it with tar --list.',
  }),
  LAYER_FAST_READ_FAILED: (c: { diffId: string; reason: string }): ErrorText => ({
    kind: 'failure',
    message: `Layer ${c.diffId} cannot be read from the container engine's folder: ${c.reason}.`,
    hint: 'The engine itself can still save it. If it cannot either, its store is damaged: remove the image and fetch or build it again.',
  }),
  IMAGE_FILE_INVALID: (c: { file: string; problem: string }): ErrorText => ({
    kind: 'failure',
    message: `${c.file} is no container image that can be read: ${c.problem}.`,
    hint: "Expected an archive of one image as 'docker save' writes it, plain or compressed with gzip or zstd (one frame), or an OCI image layout as a folder or a tar.",
  }),
  LAYER_DIGEST_MISMATCH: (c: { diffId: string; found: string; source: string }): ErrorText => ({
    kind: 'unverified',
    message: `A layer from ${c.source} is not what the image names: its sha256 is ${c.found}, expected ${c.diffId}.`,
    hint: 'Nothing of it was used. Fetch or publish the image again, and find out who changed it.',
  }),
  LAYER_SIZE_MISMATCH: (c: { diffId: string; expected: number; found: number; source: string }): ErrorText => ({
    kind: 'unverified',
    message: `Layer ${c.diffId} from ${c.source} has ${c.found} bytes${c.found > c.expected ? ' or more' : ''}, expected ${c.expected}.`,
    hint: 'Nothing of it was used. Fetch or publish the image again, and find out who changed it.',
  }),
  CONTAINER_IMAGE_ID_INVALID: (c: { path: string; content: string }): ErrorText => ({
    kind: 'unverified',
    message: `${c.path} in the cache is not an image ID: expected 64 hex digits, found '${c.content}'.`,
    hint: 'Publish the image again.',
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
