import { expect, test } from '@jest/globals';
import { buildOs } from '../conformance/scenarios.ts';
import { describeWithOriginal } from '../helpers/conformance-original.ts';
import { useStage } from '../helpers/conformance-stage.ts';
import type { Side } from '../helpers/conformance-step.ts';

/** How often each side runs the pipeline; the first time of each is for warming up and does not count. */
const ROUNDS = Number(process.env.BENCH_ROUNDS ?? 5) + 1;

const SIDES: readonly Side[] = ['bash', 'slipway'];

/** Step name to the times of its runs. */
type Times = Map<string, number[]>;

const median = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
};

const whole = 'all of them';

const rowOf = (step: string, times: Readonly<Record<Side, Times>>) => {
  const [bashMs, slipwayMs] = SIDES.map((side) => Math.round(median(times[side].get(step) ?? [])));
  return { step, bashMs, slipwayMs, ratio: Number(((slipwayMs ?? 0) / (bashMs || 1)).toFixed(2)) };
};

/**
 * What a step itself costs: whole runs of both sides on flatcar/scripts, alternating, where the tree's own commands end at once. Real git, ssh, rsync, HTTPS,
 * gpg and container engine.
 */
describeWithOriginal('steps beside the original', () => {
  const stage = useStage();

  test.each([false, true])(
    'signed: %s',
    async (signed) => {
      const times: Record<Side, Times> = { bash: new Map(), slipway: new Map() };
      for (let round = 0; round < ROUNDS; round += 1) {
        for (const side of SIDES) {
          const world = stage.open('flatcar');
          let sumMs = 0;
          const note = (step: string, ms: number): void => {
            if (round > 0) times[side].set(step, [...(times[side].get(step) ?? []), ms]);
          };
          await buildOs(
            'alpha-9000.1.0-bench',
            'amd64',
            'azure',
            'openstack',
            'ami',
          )(world, async (step, ...args) => {
            const startedMs = performance.now();
            const end = await world.run(side, step, args, signed ? world.signing : {});
            const ms = performance.now() - startedMs;
            if (end.exitCode !== 0) throw new Error(`${side} ${step}: ${end.stderr}`);
            sumMs += ms;
            note(step, ms);
            return end;
          });
          note(whole, sumMs);
        }
      }
      const rows = [...times.bash.keys()].map((step) => rowOf(step, times));
      const line = (cells: readonly unknown[]): string =>
        cells.map((cell, at) => (at === 0 ? String(cell).padEnd(14) : String(cell).padStart(12))).join('');
      const table = rows.map(({ step, bashMs, slipwayMs, ratio }) => line([step, bashMs, slipwayMs, ratio]));
      const head = line(['step', 'bash ms', 'slipway ms', 'ratio']);
      process.stdout.write(
        `\n${signed ? 'signed' : 'unsigned'}, median of ${ROUNDS - 1}\n${[head, ...table].join('\n')}\n`,
      );
      process.stdout.write(`${JSON.stringify({ bench: 'steps', signed, rounds: ROUNDS - 1, rows })}\n`);
      expect(rows.length).toBeGreaterThan(4);
    },
    1_800_000,
  );
});
