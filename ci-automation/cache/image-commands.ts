import { resolve } from 'node:path';
import {
  EXPORT_FORMATS,
  type ExportFormat,
  exportImage,
  importToCache,
  parseReference,
  renderExport,
  renderImport,
} from '../../lib/cache-tools/index.ts';
import { slipwayError } from '../../lib/errors/index.ts';
import { type Command, isDryRun } from './types.ts';

const parseFormat = (value: string): ExportFormat => {
  const format = EXPORT_FORMATS.find((one) => one === value);
  if (format) return format;
  const reason = `expected ${EXPORT_FORMATS.join(', ')}`;
  throw slipwayError('CACHE_TOOL_VALUE_INVALID', { flag: '--format', value, reason });
};

/** The commands that take an image out of the cache, and put one into it. */
export const IMAGE_COMMANDS: Readonly<Record<'export' | 'import', Command>> = {
  export: {
    minWords: 1,
    maxWords: 1,
    async run(tools, line, { verifier }, io) {
      const [, image = ''] = line.positionals;
      const { '--to': to = '', '--format': format = 'tar.zst' } = line.flags;
      if (to === '') throw slipwayError('FLAG_VALUE_MISSING', { flag: '--to', step: 'cache export' });
      const value = await exportImage(tools, {
        ...parseReference(image),
        format: parseFormat(format),
        target: resolve(io.cwd, to),
        dryRun: isDryRun(line),
        verifier,
      });
      return { value, text: renderExport(value) };
    },
  },
  import: {
    minWords: 1,
    maxWords: 2,
    async run(tools, line, opened, io) {
      const [, file = '', image] = line.positionals;
      const dryRun = isDryRun(line);
      const value = await importToCache(tools, {
        file: resolve(io.cwd, file),
        image: image === undefined ? undefined : parseReference(image),
        dryRun,
        signer: dryRun ? undefined : await opened.openSigner(),
      });
      return { value, text: renderImport(value) };
    },
  },
};
