import { connect, type PeerCertificate } from 'node:tls';

/** What a server's certificate says. */
export interface CertificateFacts {
  /** Common name of the authority, and of those above it, as far as the server sends them. */
  readonly issuers: readonly string[];
  readonly endsMs: number;
  /** Host names and addresses that it is for. */
  readonly names: readonly string[];
}

const issuersOf = (certificate: PeerCertificate): string[] => {
  const issuers: string[] = [];
  let current: PeerCertificate & { readonly issuerCertificate?: PeerCertificate } = certificate as never;
  const seen = new Set<string>();
  while (current && !seen.has(current.fingerprint256)) {
    seen.add(current.fingerprint256);
    const name = [current.issuer.CN ?? current.issuer.O].flat()[0] ?? '?';
    if (issuers.at(-1) !== name) issuers.push(name);
    current = current.issuerCertificate as never;
  }
  return issuers;
};

/**
 * Looks at the certificate of a server, whether it is to be trusted or not; nothing is sent there.
 *
 * @param url with the protocol https
 * @returns undefined when no connection came about
 */
export const readCertificate = (url: URL, signal: AbortSignal): Promise<CertificateFacts | undefined> =>
  new Promise((resolve) => {
    const host = url.hostname.replace(/^\[|\]$/g, '');
    const isName = !/^[\d.]+$|:/.test(host);
    const socket = connect({
      host,
      port: Number(url.port || 443),
      ...(isName ? { servername: host } : {}),
      // Only looked at; the requests are made with the usual checks.
      rejectUnauthorized: false,
    });
    const end = (facts?: CertificateFacts): void => {
      signal.removeEventListener('abort', abort);
      socket.destroy();
      resolve(facts);
    };
    const abort = (): void => end();
    signal.addEventListener('abort', abort, { once: true });
    socket.on('error', () => end());
    socket.on('secureConnect', () => {
      const certificate = socket.getPeerCertificate(true);
      if (!certificate.valid_to) return end();
      const names = (certificate.subjectaltname ?? '')
        .split(', ')
        .map((name) => name.replace(/^(DNS|IP Address):/, ''));
      end({ issuers: issuersOf(certificate), endsMs: Date.parse(certificate.valid_to), names });
    });
  });
