import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readCredentials } from '../../../lib/release/credentials.ts';
import { useTempFolders } from '../../helpers/temp.ts';

const makeFolder = useTempFolders();
const profile = {
  credentialsFile: 'sdk_container/.env',
  credentials: {
    cloud: { CLOUD_KEY: 'file', CLOUD_ROLE: 'text' },
    registry: { REGISTRY_USERNAME: 'public', REGISTRY_PASSWORD: 'text' },
  },
} as const;
const base64 = (text: string): string => Buffer.from(text).toString('base64');

const read = async (
  file: string | undefined,
  settings: Record<string, string> = {},
  groups: readonly string[] = ['cloud', 'registry'],
) => {
  const root = makeFolder('credentials');
  if (file !== undefined) {
    mkdirSync(dirname(join(root, profile.credentialsFile)));
    writeFileSync(join(root, profile.credentialsFile), file);
  }
  const hidden: string[] = [];
  const credentials = await readCredentials({ root, profile, settings, hide: (more) => hidden.push(...more) }, groups);
  const textOf = (name: string): string | undefined => credentials.all.get(name)?.content.toString();
  return { credentials, hidden, textOf };
};

describe('the credentials of a release', () => {
  it('may all be missing, with or without the file (the original ended with an unbound variable)', async () => {
    for (const file of [undefined, '', '# nothing\n']) {
      const { credentials } = await read(file);
      expect(credentials.missing(['registry'])).toEqual(['REGISTRY_USERNAME', 'REGISTRY_PASSWORD']);
      expect(credentials.of(['cloud', 'registry'])).toEqual([]);
    }
  });

  it('come from the tree, and from the environment where the tree has none', async () => {
    const file = `export CLOUD_KEY="${base64('key file')}"\nexport CLOUD_ROLE="arn:role"\n`;
    const { textOf } = await read(file, {
      CLOUD_ROLE: 'other role',
      REGISTRY_USERNAME: 'robot',
      REGISTRY_PASSWORD: 'secret password',
    });
    expect(['CLOUD_KEY', 'CLOUD_ROLE', 'REGISTRY_USERNAME'].map(textOf)).toEqual(['key file', 'arn:role', 'robot']);
  });

  it('may be wrapped base64, as base64 writes it without options', async () => {
    const long = 'x'.repeat(200);
    const wrapped = base64(long).replaceAll(/(.{76})/g, '$1\n');
    const { textOf } = await read(`CLOUD_ROLE=r\nCLOUD_KEY="${wrapped}\n"\n`);
    expect(textOf('CLOUD_KEY')).toBe(long);
  });

  it('are an error when only a part of a group is set, before anything happens', async () => {
    await expect(read('REGISTRY_USERNAME=robot\n')).rejects.toMatchObject({
      code: 'RELEASE_CREDENTIALS_PARTIAL',
      kind: 'misuse',
      data: { set: ['REGISTRY_USERNAME'], missing: ['REGISTRY_PASSWORD'] },
    });
    await expect(read('REGISTRY_USERNAME=robot\n', {}, ['cloud'])).resolves.toBeDefined();
  });

  it('that are no base64 are named without their value', async () => {
    const error = await read('CLOUD_ROLE=r\nCLOUD_KEY="{not: base64}"\n').catch((thrown: Error) => thrown);
    expect(error).toMatchObject({ code: 'RELEASE_CREDENTIAL_INVALID', data: { name: 'CLOUD_KEY' } });
    expect(JSON.stringify(error) + String(error)).not.toContain('not: base64');
  });

  it('that would have to be executed are an error with the line', async () => {
    await expect(read('\nexport CLOUD_KEY="$(cat key)"\n')).rejects.toMatchObject({
      code: 'RELEASE_CREDENTIAL_NOT_DATA',
      data: { name: 'CLOUD_KEY', line: 2 },
    });
  });

  it('are hidden as they are, decoded, and key by key', async () => {
    const key = '[default]\naws_secret_access_key = abcdefghijklmnopqrstuvwx\npass = short\n';
    const { hidden } = await read(`CLOUD_ROLE=some-role\nCLOUD_KEY=${base64(key)}\n`);
    expect(hidden).toEqual(
      expect.arrayContaining([base64(key), key, 'abcdefghijklmnopqrstuvwx', 'short', 'some-role']),
    );
  });

  it('are not hidden where that would make a log unreadable', async () => {
    const { hidden } = await read(undefined, {
      REGISTRY_USERNAME: 'flatcar',
      REGISTRY_PASSWORD: 'pass-word',
      CLOUD_KEY: base64('token = true\nkey = 12\n'),
      CLOUD_ROLE: 'role',
    });
    expect(hidden).toContain('pass-word');
    expect(hidden.filter((text) => ['flatcar', 'true', '12'].includes(text))).toEqual([]);
  });
});
