import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { getSourceDateEpoch } from './epoch.ts';
import { runMain } from './fault.ts';
import { log } from './log.ts';
import { convertImage } from './vm-convert.ts';
import { findFormat, parseFormats } from './vm-formats.ts';
import { assembleJob } from './vm-job-inputs.ts';
import { parseOptions } from './vm-options.ts';
import { writers } from './vm-writers.ts';

const assets = path.join(import.meta.dirname, '../vms');

/**
 * image_to_vm.sh: turn the raw disk image into one vendor format.
 * Reads the raw image, its kernel and version.txt in --from; writes the format's files to --to; needs the vm-tools of
 * the SDK.
 */
await runMain('image_to_vm.sh', async (args) => {
  const formats = parseFormats(
    YAML.parse(await readFile(path.join(assets, 'formats.yaml'), 'utf8')),
    Object.keys(writers),
  );
  const options = parseOptions(args);
  if (options.help) {
    process.stdout.write(describeUse([...formats.values()]));
    return 0;
  }
  const format = findFormat(formats, options.format);
  const job = await assembleJob(options, format, assets, await getSourceDateEpoch());
  const results = await convertImage(job, options);
  for (const { name, sizeBytes } of results) log(`${format.name}: ${name} (${(sizeBytes / 1e6).toFixed(1)} MB)`);
  return 0;
});

function describeUse(formats: readonly { name: string; about: string }[]): string {
  return [
    'image_to_vm.sh --format F --from DIR [--to DIR] [--board amd64-usr]',
    '               [--image_compression_formats none,zst,gz,bz2,zip] [--only_store_compressed]',
    '',
    'Turns DIR/skiff_production_image.bin into the files of one vendor format:',
    '',
    ...formats.map(({ name, about }) => `  ${name.padEnd(18)} ${about}`),
    '',
  ].join('\n');
}
