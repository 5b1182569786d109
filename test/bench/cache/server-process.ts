/**
 * The HTTPS server of the benchmark, in a process of its own so that it does not share the benchmark's. `ROOT PKI_FOLDER`; tells its URL by IPC, and on
 * each message what it has served so far.
 */
import { makeCertificates, startHttpsServer } from '../../helpers/https-server.ts';
import { isContent } from './measuring/stored.ts';

const [root = '', pki = ''] = process.argv.slice(2);
const certificates = makeCertificates(pki);
const server = await startHttpsServer(root, certificates);

/** What a server has served since it was last asked. */
export interface Served {
  readonly requests: number;
  readonly contentBytes: number;
  readonly indexBytes: number;
}

const takeServed = (): Served => {
  const served = { requests: 0, contentBytes: 0, indexBytes: 0 };
  for (const { path, bodyBytes } of server.requests.splice(0)) {
    served.requests += 1;
    served[isContent(path) ? 'contentBytes' : 'indexBytes'] += bodyBytes();
  }
  return served;
};

process.on('message', () => process.send?.(takeServed()));
process.on('disconnect', () => process.exit());
process.send?.({ url: server.url, caFile: certificates.caFile });
