import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { readProductIds } from '../../../lib/release/products.ts';
import { readTreeDescription } from '../../../lib/tree/index.ts';
import { useTempFolders } from '../../helpers/temp.ts';

const makeFolder = useTempFolders();
const TREES = join(import.meta.dirname, '..', '..', '..', 'config', 'trees');
const { release: profile, arches } = await readTreeDescription(join(TREES, 'flatcar.yaml'));
if (!profile) throw new Error('no release');

const read = (group: string, text?: string) => {
  const root = makeFolder('products');
  if (text !== undefined) writeFileSync(join(root, 'product-ids.json'), text);
  const facts = { version: '1.2.3', sdkVersion: '1.2.3', sdkVersionTag: '1.2.3', group };
  return readProductIds(root, { profile, facts, arches });
};

it('the stable image for amd64 is offered as the pro product too', async () => {
  const ids = { 'stable-amd64': 'a-1', 'stable-arm64': 'b-2', 'stable-pro-amd64': 'c-3', 'beta-amd64': 'x' };
  const read1 = await read('stable', JSON.stringify(ids));
  expect([...read1]).toEqual([
    ['amd64', 'a-1,c-3'],
    ['arm64', 'b-2'],
  ]);
});

it('an id that is missing is an error: the original handed on the word null', async () => {
  await expect(read('alpha', '{"alpha-amd64":"a-1"}')).rejects.toMatchObject({
    code: 'RELEASE_PRODUCTS_MISSING',
    kind: 'misuse',
    data: { missing: ['alpha-arm64'] },
  });
});

it.each([undefined, '', 'null', '[]', '{'])('a file that is %j is an error before anything happens', async (text) => {
  await expect(read('alpha', text)).rejects.toMatchObject({
    kind: 'misuse',
    message: expect.stringContaining('product'),
  });
});
