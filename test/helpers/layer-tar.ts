import { hash } from 'node:crypto';
import { tarHeader } from '../../lib/container/layers/compose-archive.ts';

/** An entry of a tar for tests. */
export interface TestEntry {
  readonly name: string;
  readonly content?: Buffer | string;
  /** Type of the header; default `0`, a file. */
  readonly type?: string;
  readonly target?: string;
}

/** One entry, as bytes of a tar. @param entry its name and target fit into a plain header */
export const tarEntry = ({ name, content = '', type = '0', target = '' }: TestEntry): Buffer => {
  const bytes = Buffer.from(content);
  const header = tarHeader(name, bytes.length);
  header.write(type, 156, 'latin1');
  header.write(target, 157, 'latin1');
  header.fill(' ', 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return Buffer.concat([header, bytes, Buffer.alloc(-bytes.length & 511)]);
};

/** A whole tar. */
export const tarOf = (...entries: readonly TestEntry[]): Buffer =>
  Buffer.concat([...entries.map(tarEntry), Buffer.alloc(1024)]);

/** A record of a pax header. */
export const paxRecord = (key: string, value: Buffer | string): Buffer => {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value), Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length += 1;
  return Buffer.concat([Buffer.from(String(length)), rest]);
};

/** Configuration of an image with these layers. */
export const configOf = (layers: readonly Buffer[]): Buffer =>
  Buffer.from(
    JSON.stringify({
      architecture: 'amd64',
      os: 'linux',
      config: {},
      rootfs: { type: 'layers', diff_ids: layers.map((bytes) => `sha256:${hash('sha256', bytes)}`) },
      history: layers.map((_, at) => ({ created_by: `layer ${at}` })),
    }),
  );
