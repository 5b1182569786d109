import { readFileSync } from 'node:fs';
import tls, { type SecureContext } from 'node:tls';
import { slipwayError } from '../../errors/index.ts';

/** Whose certificates are accepted. */
export interface Trust {
  /** For new connections; made when first asked for. */
  context(): SecureContext;
  /** Takes in everybody who may be trusted; false when that was done already. */
  widen(): boolean;
}

const readCaFile = (caFile: string): string => {
  try {
    return readFileSync(caFile, 'utf8');
  } catch (error) {
    const reason = `the file cannot be read (${(error as NodeJS.ErrnoException).code})`;
    throw slipwayError('CACHE_SETTING_INVALID', { setting: 'BUILDCACHE_CA_FILE', value: caFile, reason }, error);
  }
};

/**
 * Trusts whom curl on this machine trusts, which is the system's store of certificates; those that come with Node; and those in a
 * file.
 *
 * Most servers are vouched for by the file or by Node's own. Reading the system's store takes some 60 ms and putting all into a
 * context another 10, so that is done only when a server was refused without.
 *
 * @param caFile absolute path of a PEM file
 */
export const createTrust = (caFile: string | undefined): Trust => {
  let context: SecureContext | undefined;
  let isWide = false;
  const all = (): string[] => [
    ...new Set([...tls.getCACertificates('default'), ...tls.getCACertificates('system')]),
    ...(caFile ? [readCaFile(caFile)] : []),
  ];
  return {
    // One for all connections: each would else parse the certificates anew.
    context: () => (context ??= tls.createSecureContext(caFile ? { ca: readCaFile(caFile) } : {})),
    widen() {
      if (isWide) return false;
      isWide = true;
      context = tls.createSecureContext({ ca: all() });
      return true;
    },
  };
};
