import { formatBytes, formatCommand } from '../../log/format.ts';
import type { ErrorText } from '../slipway-error.ts';

const hostKeyHint = (c: {
  host: string;
  port: number;
  problem: 'unknown' | 'changed' | 'revoked';
  knownHosts: string;
  keyLine: string;
  forgetName: string;
}): string => {
  const ask =
    "Ask the server's operator for the fingerprint (on the server: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub, or the like).";
  const add = `echo ${formatCommand([c.keyLine])} >> ${formatCommand([c.knownHosts])}`;
  if (c.problem === 'revoked') return `${c.knownHosts} marks this key as revoked. Do not connect; tell the operator.`;
  if (c.problem === 'unknown') return `${ask}\nIf it is the one above: ${add}`;
  const forget = `ssh-keygen -R ${formatCommand([c.forgetName])} -f ${formatCommand([c.knownHosts])}`;
  return `Somebody may be listening in, or the server was set up anew. ${ask}\nIf it is the one above: ${forget} && ${add}`;
};

const hostKeyProblem = { unknown: 'is not known', changed: 'has changed', revoked: 'is revoked' } as const;

type SignatureFault =
  | 'bad'
  | 'unknown-key'
  | 'expired-key'
  | 'revoked-key'
  | 'expired-signature'
  | 'unreadable'
  | 'other-path';

const signatureHint = (reason: SignatureFault, trustedKeys: string): string => {
  if (reason === 'unknown-key') return `If that key is to be trusted, add its public key to ${trustedKeys}.`;
  if (reason === 'other-path') {
    return (
      'What was signed is genuine, but not what belongs under this path: it is another file, or another version of it.\n' +
      'Look at the server, and publish the right one again.'
    );
  }
  return `Trusted are the keys in ${trustedKeys}. Publish the artifact again with a valid key, and find out why this one is not valid.`;
};

/** So many differing files show what is going on. */
const MOST_NAMED = 5;

/** Texts of the cache errors. */
export const cacheErrors = {
  CACHE_PATH_INVALID: (c: { path: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `${JSON.stringify(c.path)} cannot be a path in the artifact cache: ${c.reason}.`,
    hint: "Expected names separated by single '/', without leading '/', '.', '..' and control characters.",
  }),
  CACHE_SETTING_INVALID: (c: { setting: string; value: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `${c.setting} cannot be ${JSON.stringify(c.value)}: ${c.reason}.`,
    hint: `Correct ${c.setting} (ci-config.env, environment or flag) and run the step again.`,
  }),
  CACHE_UNREACHABLE: (c: { host: string; tries: number; doing: string; problem: string }): ErrorText => ({
    kind: 'failure',
    message: `The cache server ${c.host} could not be reached to ${c.doing}, after ${c.tries} ${c.tries === 1 ? 'try' : 'tries'}: ${c.problem}.`,
    hint: 'Check BUILDCACHE_SERVER, BUILDCACHE_URL and BUILDCACHE_SSH_PORT, the network, and that the server runs. Running the step again resumes.',
  }),
  CACHE_BAD_RESPONSE: (c: { url: string; problem: string }): ErrorText => ({
    kind: 'failure',
    message: `${c.url}: ${c.problem}.`,
    hint: 'Expected a static web server that gives out the files of the cache under BUILDCACHE_URL. Check that setting and the server.',
  }),
  CACHE_TLS_UNTRUSTED: (c: { host: string; reason: string; caFile: string | undefined }): ErrorText => ({
    kind: 'failure',
    message: `The certificate of ${c.host} is not trusted: ${c.reason}.`,
    hint: c.caFile
      ? `Trusted are the authorities of this system and those in ${c.caFile} (BUILDCACHE_CA_FILE); the server's certificate must come from one of them and name the host.`
      : 'If the server has a certificate from an authority of your own, set BUILDCACHE_CA_FILE to the PEM file of that authority.',
  }),
  CACHE_HOST_KEY: (c: {
    host: string;
    port: number;
    problem: 'unknown' | 'changed' | 'revoked';
    keyType: string;
    /** As ssh prints it: `SHA256:` and base64. */
    fingerprint: string;
    /** Fingerprints that would have been accepted. */
    expected: readonly string[];
    knownHosts: string;
    /** The line that would make the key known. */
    keyLine: string;
    /** Name of the host in known_hosts. */
    forgetName: string;
  }): ErrorText => ({
    kind: 'failure',
    message:
      `The host key of ${c.host} port ${c.port} ${hostKeyProblem[c.problem]}: it showed ${c.keyType} ${c.fingerprint}` +
      `${c.expected.length > 0 ? `, expected ${c.expected.join(' or ')}` : ''} (${c.knownHosts}).`,
    hint: hostKeyHint(c),
  }),
  CACHE_LOGIN: (c: { host: string; port: number; user: string; credentials: string }): ErrorText => ({
    kind: 'failure',
    message: `${c.host} port ${c.port} does not let the user '${c.user}' in with ${c.credentials}.`,
    hint: "Check BUILDCACHE_USER and BUILDCACHE_SSH_KEY (or the ssh agent), and that the public key is in the account's authorized_keys.",
  }),
  CACHE_SSH_KEY_INVALID: (c: { file: string; reason: string }): ErrorText => ({
    kind: 'misuse',
    message: `The ssh key ${c.file} (BUILDCACHE_SSH_KEY) cannot be used: ${c.reason}.`,
    hint: 'Expected a private key that ssh-keygen wrote, without passphrase. A key with passphrase can be used through an ssh agent.',
  }),
  CACHE_SERVER_UNSUITABLE: (c: { host: string; reason: string }): ErrorText => ({
    kind: 'failure',
    message: `The ssh server ${c.host} cannot keep an artifact cache: ${c.reason}.`,
    hint: 'Expected OpenSSH with its sftp subsystem and rsync for the account BUILDCACHE_USER, and write access to BUILDCACHE_PATH_PREFIX.',
  }),
  CACHE_UPLOAD_FAILED: (c: {
    location: string;
    program: string;
    exitCode: number | undefined;
    lastOutput: string;
  }): ErrorText => ({
    kind: 'failure',
    message: `The upload to ${c.location} failed: ${c.program} ended with exit code ${c.exitCode}.`,
    hint: c.lastOutput.trim() === '' ? 'It printed nothing.' : `Its last lines:\n${c.lastOutput.trimEnd()}`,
  }),
  CACHE_WRITE_FAILED: (c: { location: string; path: string; doing: string; reason: string }): ErrorText => ({
    kind: 'failure',
    message: `Could not ${c.doing} ${c.path} in ${c.location}: ${c.reason}.`,
    hint: 'Check that the cache folder exists and that the account may write to it.',
  }),
  CACHE_DISK_FULL: (c: { location: string; neededBytes: number; freeBytes: number }): ErrorText => ({
    kind: 'failure',
    message: `The disk of ${c.location} is too full: ${formatBytes(c.neededBytes)} are to be written, ${formatBytes(c.freeBytes)} are free.`,
    hint: 'Free some space there (old versions), then run the step again. What was written of this set has been removed.',
  }),
  CACHE_BUSY: (c: { location: string; folder: string; holder: string; waitedMs: number }): ErrorText => ({
    kind: 'failure',
    message: `${c.folder} in ${c.location} has been locked by another publisher (${c.holder}) for ${Math.round(c.waitedMs / 1000)} s.`,
    hint: 'A publisher holds the lock only while it renames files. Run the step again; a lock whose owner died frees itself.',
  }),
  CACHE_ARTIFACT_MISSING: (c: { path: string; location: string }): ErrorText => ({
    kind: 'failure',
    message: `The artifact cache (${c.location}) has no ${c.path}.`,
    hint: 'The step that publishes it has not run, did not succeed, or published to another cache. Check BUILDCACHE_* and the version.',
  }),
  CACHE_FILE_TOO_LONG: (c: { path: string; location: string; maxBytes: number }): ErrorText => ({
    kind: 'failure',
    message: `${c.path} in ${c.location} is longer than ${formatBytes(c.maxBytes)}.`,
    hint: 'Files of this kind are small. Look what this one is; if it is not what its name says, publish it again.',
  }),
  CACHE_RANGE_BEYOND_END: (c: {
    path: string;
    location: string;
    offset: number;
    length: number;
    sizeBytes: number | undefined;
  }): ErrorText => ({
    kind: 'unverified',
    message:
      `${c.path} in ${c.location} ends ${c.sizeBytes === undefined ? 'too early' : `after ${c.sizeBytes} bytes`}; ` +
      `expected ${c.length} bytes from ${c.offset} on.`,
    hint: 'The file was cut off or replaced after it was published. Publish it again, and look at the server.',
  }),
  CACHE_VERSION_DIFFERS: (c: {
    location: string;
    folder: string;
    /** Files that differ; both digests are SHA-512. */
    files: readonly { readonly path: string; readonly published: string; readonly ours: string }[];
  }): ErrorText => ({
    kind: 'failure',
    message:
      `${c.folder} in ${c.location} is published already, with another content. Nothing was changed. ` +
      `${c.files.length === 1 ? 'This file differs' : `${c.files.length} files differ`}:\n` +
      c.files
        .slice(0, MOST_NAMED)
        .map(({ path, published, ours }) => `${path}\n  published: sha512 ${published}\n  ours:      sha512 ${ours}`)
        .join('\n') +
      (c.files.length > MOST_NAMED ? `\nand ${c.files.length - MOST_NAMED} more` : ''),
    hint:
      'What others may have fetched does not change under its name. Build it under another version (raise the build id),\n' +
      'or remove the published one from the cache first (garbage_collect with PURGE_VERSIONS, or delete that folder) and run the step again.',
  }),
  ARTIFACT_FILE_INVALID: (c: { file: string; reason: string }): ErrorText => ({
    kind: 'failure',
    message: `${c.file} cannot be published: ${c.reason}.`,
    hint: 'Expected a regular file that nobody changes while it is published, or a symbolic link with a relative target in the published folder.',
  }),
  ARTIFACT_DIGEST_MISMATCH: (c: {
    file: string;
    path: string;
    location: string;
    algorithm: string;
    expected: string;
    found: string;
  }): ErrorText => ({
    kind: 'unverified',
    message: `${c.path} in ${c.location} does not verify: its ${c.algorithm} should be ${c.expected} and is ${c.found}.`,
    hint:
      `The expected digest is from ${c.path}.DIGESTS. Fetched twice; nothing was kept as ${c.file}.\n` +
      'The artifact was damaged or changed after it was published: publish it again, and look at the server.',
  }),
  ARTIFACT_DIGESTS_MISSING: (c: { path: string; location: string; reason: string }): ErrorText => ({
    kind: 'unverified',
    message: `${c.path} in ${c.location} cannot be verified: ${c.reason}.`,
    hint: `Expected a file ${c.path}.DIGESTS that the publishing step wrote. Publish the artifact again.`,
  }),
  ARTIFACT_SIGNATURE_MISSING: (c: {
    path: string;
    location: string;
    signature: string;
    trustedKeys: string;
  }): ErrorText => ({
    kind: 'unverified',
    message: `${c.path} in ${c.location} is not signed (there is no ${c.signature}), and ${c.trustedKeys} says whom to trust.`,
    hint: 'Publish it again with SIGNER and SIGNING_KEY set, or unset the trusted keys to accept unsigned artifacts.',
  }),
  ARTIFACT_SIGNATURE_INVALID: (c: {
    path: string;
    signature: string;
    reason: SignatureFault;
    detail: string;
    trustedKeys: string;
  }): ErrorText => ({
    kind: 'unverified',
    message: `The signature ${c.signature} of ${c.path} is not valid: ${c.detail}.`,
    hint: signatureHint(c.reason, c.trustedKeys),
  }),
} satisfies Record<string, (facts: never) => ErrorText>;
