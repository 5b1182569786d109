import type { LogEvent } from '../../lib/log/index.ts';
import { finished, started, type TimedEvent } from './recordings.ts';

/** Texts that would break out of a page that does not escape them. */
export const HOSTILE = [
  '</script><script>globalThis.hacked = 1</script>',
  '</pre></details></main><h1>hacked</h1>',
  '<img src=x onerror="globalThis.hacked = 1">',
  '"><svg/onload=globalThis.hacked=1>',
  "' onmouseover='globalThis.hacked=1",
  '<!-- ]]> --> &lt;b&gt; <base href="//evil.test/">',
  'javascript:globalThis.hacked=1',
  '\u001b]0;title\u0007\u001b[31mred\u001b[0m \u202egnp.exe \u0000\u0008 \ud800',
  '${globalThis.hacked = 1} {{hacked}} `x`',
] as const;

/** The events of a command that ends with an exit code. */
export const commandEvents = (
  [from, to]: readonly [number, number],
  id: number,
  command: readonly string[],
  lines: readonly string[],
  { exitCode = 0, phase }: { exitCode?: number; phase?: number } = {},
): TimedEvent[] => {
  const program = command[0] ?? '';
  const output = (line: string, index: number): TimedEvent => [
    from + ((to - from) * index) / lines.length,
    { kind: 'command-output', id, phase, program, line },
  ];
  const end: LogEvent = {
    kind: 'command-finished',
    id,
    phase,
    command,
    exitCode,
    signal: undefined,
    ok: exitCode === 0,
    durationMs: (to - from) * 1000,
  };
  return [[from, { kind: 'command-started', id, phase, command, cwd: '/tree' }], ...lines.map(output), [to, end]];
};

/** The events of a phase, with others in it. */
export const phaseEvents = (
  [from, to]: readonly [number, number],
  id: number,
  phase: string,
  inside: readonly TimedEvent[] = [],
  { parent, depth = 0, failed = false }: { parent?: number; depth?: number; failed?: boolean } = {},
): TimedEvent[] => [
  [from, { kind: 'phase-started', id, parent, phase, depth }],
  ...inside,
  [
    to,
    {
      kind: 'phase-finished',
      id,
      parent,
      phase,
      depth,
      outcome: failed ? 'failed' : 'done',
      durationMs: (to - from) * 1000,
    },
  ],
];

/** What a step says of the machine that it runs on. */
export const environment: LogEvent = {
  ...{ kind: 'environment', slipway: '0.1.0', node: '24.21.0', host: 'worker-7', system: 'Linux 6.1.0-28-amd64' },
  ...{ arch: 'x64', cpus: 8, memoryBytes: 32 * 1024 ** 3, engine: 'docker 20.10.24' },
};

const version = '4888.0.0+nightly-20261128-1700';

/** A step that ends well; its times are those of `factor` 1, and it starts at `at`. */
export const goodStep = (at: number, factor = 1, of = version): TimedEvent[] => [
  [at, started('packages', 'amd64')],
  [at, environment],
  [at, { kind: 'facts', values: { version: of, sdkVersion: of, arch: 'amd64' } }],
  ...phaseEvents([at + 1, at + 4 * factor], 1, 'fetch the SDK', [
    [at + 1, { kind: 'cache-hit', phase: 1, what: 'container image', path: 'skiff-sdk-amd64', sizeBytes: 1000 }],
    [
      at + 4 * factor,
      {
        kind: 'transfer',
        phase: 1,
        direction: 'down',
        what: 'skiff-sdk-amd64',
        movedBytes: 40_000_000 * factor,
        reusedBytes: 900_000_000,
        durationMs: 3000,
        causes: { blockBytes: 39_000_000, requests: 12 },
      },
    ],
  ]),
  ...phaseEvents([at + 4 * factor, at + 60 * factor], 2, 'build the packages', [
    [
      at + 5,
      { kind: 'cache-miss', phase: 2, what: 'binary packages', path: 'busybox_1.36.deb', reason: 'its recipe changed' },
    ],
    [at + 6, { kind: 'warning', phase: 2, text: 'busybox: the patch has fuzz' }],
    ...commandEvents(
      [at + 6, at + 50 * factor],
      3,
      ['./run_sdk_container', 'build_packages', '--board=amd64-usr'],
      ['busybox: building', 'dropbear: reused', 'done'],
      { phase: 2 },
    ),
    [
      at + 51 * factor,
      {
        kind: 'retry',
        phase: 2,
        what: 'upload to the cache',
        attempt: 1,
        tries: 5,
        delayMs: 2000,
        reason: 'connection reset',
      },
    ],
  ]),
  [at + 61 * factor, finished('packages')],
];

/** A step that fails with a command that printed `lines`. */
export const failedStep = (at: number, lines: readonly string[]): TimedEvent[] => [
  [at, started('image', 'amd64')],
  [at, environment],
  [at, { kind: 'facts', values: { version } }],
  ...phaseEvents(
    [at + 1, at + 20],
    1,
    'build the image',
    [
      ...phaseEvents([at + 1, at + 3], 4, 'look for the packages', [], { parent: 1, depth: 1 }),
      ...commandEvents([at + 3, at + 5], 2, ['mkdir', '-p', '/build'], [], { phase: 1 }),
      ...commandEvents([at + 5, at + 20], 3, ['./build_image', '--board=amd64-usr', 'prod'], lines, {
        phase: 1,
        exitCode: 7,
      }),
    ],
    { failed: true },
  ),
  [
    at + 20,
    {
      ...{
        kind: 'error',
        code: 'COMMAND_FAILED',
        message: './build_image ended with exit code 7.',
        hint: 'Its last lines:\nno space left on device',
      },
      command: {
        id: 3,
        command: ['./build_image', '--board=amd64-usr', 'prod'],
        cwd: '/tree',
        lastOutput: 'no space left on device',
      },
      ...{ cause: 'The disk is full.', fix: 'Free some space.', rerun: 'cd /tree && image.ts amd64' },
    },
  ],
  [at + 21, finished('image', 1)],
];
