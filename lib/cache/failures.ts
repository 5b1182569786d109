/** A try that failed in a way that may go away by itself. */
export class TransientError extends Error {
  /** Whether this try got something done, so that it does not count as one of the few that may fail in a row. */
  readonly hasProgressed: boolean;

  constructor(problem: string, options: { readonly cause?: unknown; readonly hasProgressed?: boolean } = {}) {
    super(problem, { cause: options.cause });
    this.hasProgressed = options.hasProgressed ?? false;
  }
}

/** Words for the codes that people meet. */
const PROBLEMS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused (ECONNREFUSED)',
  ECONNRESET: 'the connection was cut (ECONNRESET)',
  EPIPE: 'the connection was cut (EPIPE)',
  ETIMEDOUT: 'no answer in time (ETIMEDOUT)',
  EHOSTUNREACH: 'there is no route to the host (EHOSTUNREACH)',
  ENETUNREACH: 'there is no route to the network (ENETUNREACH)',
  ENOTFOUND: 'the host name is not known (ENOTFOUND)',
  EAI_AGAIN: 'the name service does not answer (EAI_AGAIN)',
};

/** One line on a network error. */
export const problemOf = (error: unknown): string => {
  // Several addresses tried: an AggregateError, whose message is empty.
  const first = error instanceof AggregateError ? error.errors[0] : error;
  const { code, message } = first as NodeJS.ErrnoException;
  return (code && PROBLEMS[code]) || (code ? `${message || 'network error'} (${code})` : message || String(first));
};

/** What Node says when it does not trust a certificate; the list is OpenSSL's X509_V_ERR_* and Node's own check of names. */
const TLS_CODES =
  /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_|CRL_|ERROR_IN_C|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_EXCEEDED$|HOSTNAME_MISMATCH$|ERR_TLS_CERT_)/;

/** Whether the server's certificate was refused; trying again does not help. */
export const isUntrusted = (error: unknown): boolean => TLS_CODES.test((error as NodeJS.ErrnoException).code ?? '');
