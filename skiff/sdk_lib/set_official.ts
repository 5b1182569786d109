/**
 * In an SDK container: stores whether the next images of a board are official builds, for build_image.
 * Writes: /build/BOARD/etc/skiff/official, content `official` or `developer`
 */
import fs from 'node:fs/promises';
import path from 'node:path';
import { misuse, runMain } from './fault.ts';
import { readBoard, readOptions } from './options.ts';
import { boards, getBoardDir } from './tree.ts';

const usage = './set_official --board=BOARD --official|--noofficial';

await runMain('set_official', async (args) => {
  const flag = { type: 'boolean' } as const;
  const { values } = readOptions(args, usage, { board: { type: 'string' }, official: flag, noofficial: flag });
  const file = path.join(getBoardDir(readBoard(values.board, boards)), 'etc/skiff/official');
  if (values.official === values.noofficial) throw misuse('give one of --official, --noofficial', `usage: ${usage}`);
  await fs.mkdir(path.dirname(file), { recursive: true });
  await fs.writeFile(file, values.official ? 'official\n' : 'developer\n');
  return undefined;
});
