import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { compareClocks } from '../../../lib/doctor/cache-clock.ts';
import { combine, failed, ok, skipped, warning } from '../../../lib/doctor/finding.ts';
import { parseKeyLives } from '../../../lib/doctor/key-life.ts';
import { PROBE_EXIT_CODE, probeProgram } from '../../../lib/doctor/probe-program.ts';
import { CHECKS, selectChecks } from '../../../lib/doctor/select-checks.ts';
import { fc } from '../../helpers/fast-check.ts';
import { useTempFolders } from '../../helpers/temp.ts';

const makeFolder = useTempFolders();

describe('findings together', () => {
  test('are as grave as the gravest, which comes first, and fixes come once', () => {
    expect(combine([ok('a'), warning('b', 'do'), failed('c', 'do'), skipped('d')])).toEqual({
      outcome: 'failed',
      seen: 'c\nb\na\nd',
      fix: 'do',
    });
    expect(combine([skipped('d'), ok('a')])).toEqual({ outcome: 'ok', seen: 'a\nd', fix: undefined });
  });
});

describe('the clock of a server', () => {
  const at = Date.UTC(2026, 10, 28, 12, 0, 0);
  const date = (offMs: number): string => new Date(at + offMs).toUTCString();

  test.each([
    [0, 'ok', 'agree'],
    [-4_000, 'ok', 'agree'],
    [30_000, 'warning', '30.0 s ahead of this machine'],
    [-30_000, 'warning', '29.0 s behind this machine'],
    [3_600_000, 'failed', '60 min 0 s ahead of this machine'],
    [-3_600_000, 'failed', 'behind this machine'],
  ] as const)('%d ms off: %s', (offMs, outcome, words) => {
    const finding = compareClocks(date(offMs), at, at);
    expect(finding.outcome).toBe(outcome);
    expect(finding.seen).toContain(words);
  });

  test('a slow answer accuses nobody: any time between question and answer is right', () => {
    fc.assert(
      fc.property(fc.nat(600_000), fc.nat(600_000), (tookMs, whenMs) => {
        const finding = compareClocks(date(Math.min(whenMs, tookMs)), at, at + tookMs);
        return finding.outcome === 'ok';
      }),
    );
  });

  test('without a date it says so', () => {
    expect([compareClocks(undefined, at, at).outcome, compareClocks('soon', at, at).outcome]).toEqual([
      'warning',
      'warning',
    ]);
  });
});

describe('how long keys live', () => {
  const record = (kind: string, validity: string, ends: string, capabilities: string): string =>
    [kind, validity, '255', '22', 'KEYID', '1700000000', ends, '', '', '', '', capabilities].join(':');
  const fpr = (hex: string): string => `fpr:::::::::${hex}:`;
  const uid = 'uid:-::::1700000000::HASH::Someone <s@example.test>::::::::::0:';

  test('a key without an end', () => {
    expect(parseKeyLives([record('sec', '-', '', 'scSC'), fpr('AA'), uid].join('\n'))).toEqual([
      { fingerprint: 'AA', userId: 'Someone <s@example.test>', endsMs: undefined, isDead: false },
    ]);
  });

  test('the subkey that lives longest counts, but none outlives its primary key', () => {
    const listing = [
      record('sec', 'u', '2000000000', 'cSC'),
      fpr('AA'),
      uid,
      record('ssb', 'e', '1710000000', 's'),
      fpr('BB'),
      record('ssb', 'u', '1900000000', 's'),
      fpr('CC'),
      record('ssb', 'u', '', 'e'),
      fpr('DD'),
    ];
    expect(parseKeyLives(listing.join('\n'))).toMatchObject([
      { fingerprint: 'AA', endsMs: 1_900_000_000_000, isDead: false },
    ]);
    const short = [record('pub', '-', '1800000000', 'scSC'), fpr('AA'), record('sub', '-', '', 's')];
    expect(parseKeyLives(short.join('\n'))).toMatchObject([{ endsMs: 1_800_000_000_000 }]);
  });

  test.each(['e', 'r'])('one that is %s is dead, with its end', (validity) => {
    const listing = [record('pub', validity, '1610000000', 'sc'), fpr('AA'), uid].join('\n');
    expect(parseKeyLives(listing)).toMatchObject([{ isDead: true, endsMs: 1_610_000_000_000 }]);
  });

  test('several keys are told apart, and no text is no key', () => {
    const listing = [record('pub', '-', '', 'sc'), fpr('AA'), record('pub', '-', '', 'sc'), fpr('BB')].join('\n');
    expect(parseKeyLives(listing).map(({ fingerprint }) => fingerprint)).toEqual(['AA', 'BB']);
    expect(parseKeyLives('')).toEqual([]);
  });
});

describe('the program of the trial container', () => {
  test('runs, and ends with its exit code', () => {
    const arch = { x64: 'x86_64', arm64: 'aarch64' }[process.arch as 'x64' | 'arm64'];
    const file = join(makeFolder(), 'probe');
    writeFileSync(file, probeProgram(arch) ?? '', { mode: 0o755 });
    expect(() => execFileSync(file)).toThrow(expect.objectContaining({ status: PROBE_EXIT_CODE }) as unknown as Error);
  });

  test('is an executable for its machine, in the words of docker and of podman', () => {
    const machines = ['x86_64', 'amd64', 'aarch64', 'arm64'].map((arch) => probeProgram(arch)?.readUInt16LE(18));
    expect(machines).toEqual([62, 62, 183, 183]);
    expect(probeProgram('riscv64')).toBeUndefined();
  });
});

describe('the selection', () => {
  test('keeps the order of the report; nothing named means all', () => {
    expect(selectChecks([], [])).toEqual(CHECKS);
    expect(selectChecks(['disk', 'node'], []).map(({ name }) => name)).toEqual(['node', 'disk']);
    expect(selectChecks([], ['disk'])).toHaveLength(CHECKS.length - 1);
  });

  test('an unknown name is misuse, with the one that may have been meant', () => {
    expect(() => selectChecks(['cache-htps'], [])).toThrow(
      expect.objectContaining({
        code: 'DOCTOR_CHECK_UNKNOWN',
        kind: 'misuse',
        message: expect.stringContaining("'cache-https'"),
      }) as unknown as Error,
    );
    expect(() => selectChecks([], ['dsik'])).toThrow("There is no check 'dsik'. Did you mean 'disk'?");
  });

  test('names and summaries are there, once each', () => {
    expect(new Set(CHECKS.map(({ name }) => name)).size).toBe(CHECKS.length);
    expect(CHECKS.filter(({ name, summary }) => !/^[a-z-]+$/.test(name) || summary.length < 10)).toEqual([]);
  });
});
