import { describe, expect, test } from '@jest/globals';
import { statementPath, versionOfPath } from '../../../lib/provenance/place.ts';
import { readStatement } from '../../../lib/provenance/read-statement.ts';
import { buildOf, COMMIT, recordOf, sha256, statementOf, V } from './provenance-build.ts';

const ID = 'd'.repeat(64);
const full = buildOf({
  outputs: [recordOf(`images/amd64/${V}/b`, 'b'), recordOf(`images/amd64/${V}/a`, 'a')],
  inputs: [recordOf('sdk/x', 'x')],
  images: [
    { name: 'skiff-sdk', version: '4888.0.0-nightly-1', id: ID },
    { name: 'skiff-sdk', version: '4888.0.0-nightly-1', id: ID },
  ],
});

describe('a statement', () => {
  test('has the form of in-toto and SLSA', () => {
    const { json } = statementOf(full);
    expect(json).toEqual({
      _type: 'https://in-toto.io/Statement/v1',
      subject: ['a', 'b'].map((name) => ({
        name: `images/amd64/${V}/${name}`,
        digest: { sha256: sha256(name), sha512: expect.stringMatching(/^[0-9a-f]{128}$/) },
      })),
      predicateType: 'https://slsa.dev/provenance/v1',
      predicate: {
        buildDefinition: {
          buildType: 'urn:slipway:step:v1',
          externalParameters: {
            step: 'image',
            arch: 'amd64',
            version: V,
            arguments: ['amd64'],
            settings: { A: 'x', B: 1 },
          },
          internalParameters: {},
          resolvedDependencies: [
            { uri: 'git+https://git.example/os@refs/tags/main-4888.0.0-nightly-1', digest: { gitCommit: COMMIT } },
            { uri: 'pkg:docker/skiff-sdk@4888.0.0-nightly-1', digest: { sha256: ID } },
            { name: 'sdk/x', digest: { sha256: sha256('x') } },
          ],
        },
        runDetails: {
          builder: { id: 'urn:slipway:builder', version: { slipway: '1.2.3' } },
          metadata: { startedOn: '2026-11-20T21:00:00.000Z', finishedOn: '2026-11-20T21:30:00.000Z' },
        },
      },
    });
  });

  test('is the same bytes for the same build, in whatever order it was recorded', () => {
    const again = { ...full, outputs: full.outputs.toReversed(), settings: { A: 'x', B: 1 } };
    expect(statementOf(again).payload.equals(statementOf(full).payload)).toBe(true);
  });

  test('of the same build at another time has the same path, of other artifacts another', () => {
    const later = { ...full, startedAt: new Date(1), finishedAt: new Date(2) };
    expect(statementOf(later).path).toBe(statementOf(full).path);
    expect(statementOf({ ...full, outputs: full.outputs.slice(1) }).path).not.toBe(statementOf(full).path);
    expect(statementOf(full).path).toMatch(
      /^provenance\/4888\.0\.0\+nightly-1\/image-amd64\.[0-9a-f]{16}\.intoto\.json$/,
    );
  });

  test('does not claim what was taken from the cache and published again as it was', () => {
    const { json } = statementOf({ ...full, inputs: [full.outputs[0] ?? recordOf('', '')] });
    expect(json.subject.map(({ name }: { name: string }) => name)).toEqual([`images/amd64/${V}/a`]);
    expect(() => statementOf({ ...full, inputs: full.outputs })).toThrow('made nothing');
  });

  test('is read back', () => {
    const { payload, path } = statementOf({ ...full, source: { url: '', commit: COMMIT, head: COMMIT } });
    const read = readStatement(payload, path);
    expect(read).toMatchObject({ version: V, step: 'image', arch: 'amd64', head: COMMIT, arguments: ['amd64'] });
    expect([...read.subjects.keys()]).toEqual([`images/amd64/${V}/a`, `images/amd64/${V}/b`]);
    expect(read.dependencies).toEqual([
      { kind: 'source', url: '', tag: undefined, commit: COMMIT },
      { kind: 'image', name: 'skiff-sdk', version: '4888.0.0-nightly-1', id: ID },
      { kind: 'artifact', path: 'sdk/x', sha256: sha256('x') },
    ]);
  });
});

describe('a statement is refused', () => {
  const read = (change: (json: ReturnType<typeof statementOf>['json']) => void) => () => {
    const { json, path } = statementOf(full);
    change(json);
    return readStatement(Buffer.from(JSON.stringify(json)), path);
  };

  test.each([
    ['in the folder of another version', (path: string) => path.replace(V, '4889.0.0')],
    ['under the name of another step', (path: string) => path.replace('image-', 'vms-')],
    ['under the name of another architecture', (path: string) => path.replace('amd64', 'arm64')],
    ['under the name of another run', (path: string) => path.replace(/\.[0-9a-f]{4}/, '.0000')],
  ])('%s', (_, move) => {
    const { payload, path } = statementOf(full);
    expect(() => readStatement(payload, move(path))).toThrow(`belongs to ${path}`);
  });

  test('when anything of what it says was changed', () => {
    const change = read((json) => {
      json.subject[0].digest.sha256 = sha256('other');
    });
    expect(change).toThrow(expect.objectContaining({ code: 'PROVENANCE_MISPLACED', kind: 'unverified' }));
  });

  test.each([
    ['it is of another type', { _type: 'https://in-toto.io/Statement/v0.1' }, '_type'],
    ['its predicate is of another type', { predicateType: 'https://example.com/x' }, 'predicateType'],
    ['it names nothing', { subject: [] }, 'subject'],
    ['a subject is outside of the cache', { subject: [{ name: '../../etc/passwd', digest: { sha256: ID } }] }, 'name'],
    ['a name could steer a terminal', { subject: [{ name: 'a\u001b[2J', digest: { sha256: ID } }] }, 'name'],
    ['a digest is none', { subject: [{ name: 'a', digest: { sha256: 'x' } }] }, 'sha256'],
    ['it has no predicate', { predicate: undefined }, 'predicate'],
  ])('when %s', (_, fields, where) => {
    expect(read((json) => Object.assign(json, fields))).toThrow(where);
  });

  test('when it names a subject twice', () => {
    const { json, place } = statementOf(full);
    json.subject.push(json.subject[0]);
    const key = sha256(JSON.stringify({ subject: json.subject, buildDefinition: json.predicate.buildDefinition }));
    const read = () => readStatement(Buffer.from(JSON.stringify(json)), statementPath({ ...place, key }));
    expect(read).toThrow('it names a subject twice');
  });
});

test.each([
  ['images/amd64/4799.0.0+nightly-1/x', '4799.0.0+nightly-1'],
  ['containers/4799.0.0-nightly-1/x-4799.0.0-nightly-1.id', '4799.0.0+nightly-1'],
  ['boards/amd64-usr/4799.0.0/pkgs/a/b', '4799.0.0'],
  ['boards/amd64-usr/binpkgs/bash_1.2.3_amd64.deb', undefined],
  ['1.2.3', undefined],
])('the version of %s is %s', (path, version) => {
  expect(versionOfPath(path)).toBe(version);
});
