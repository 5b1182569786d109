import type { OptionTable } from './option.ts';

/** Every setting of Slipway. Flags, environment, `ci-config.env`, `--help`, `config show` and docs/settings.md come from here. */
export const SETTINGS = {
  BUILDCACHE_SERVER: {
    type: 'string',
    default: '',
    help: 'Host name of the artifact cache; empty: the local folder BUILDCACHE_DIR',
  },
  BUILDCACHE_USER: { type: 'string', default: 'bincache', help: 'User on the cache server (ssh, rsync)' },
  BUILDCACHE_PATH_PREFIX: {
    type: 'string',
    default: '/srv/buildcache',
    help: 'Folder on the cache server below which everything lives; HTTPS serves the same folder',
  },
  BUILDCACHE_SSH_PORT: { type: 'integer', default: 22, help: 'Port of sshd on the cache server' },
  BUILDCACHE_SSH_KEY: { type: 'path', default: '', help: 'Private key for the cache server; empty: the ssh agent' },
  BUILDCACHE_KNOWN_HOSTS: {
    type: 'path',
    default: '',
    help: 'File with the host key of the cache server; empty: ~/.ssh/known_hosts',
  },
  BUILDCACHE_URL: {
    type: 'string',
    default: '',
    help: 'Where the cache is read; empty: https://BUILDCACHE_SERVER',
  },
  BUILDCACHE_CA_FILE: {
    type: 'path',
    default: '',
    help: 'Certificate authority of the cache server (PEM); empty: the public ones',
  },
  BUILDCACHE_DIR: {
    type: 'path',
    default: '',
    help: 'Folder of the local artifact cache; empty: buildcache in the user cache folder',
  },
  CONTAINER_REGISTRY: {
    type: 'string',
    default: '',
    help: "Registry of the SDK container images; empty: the tree's own",
  },
  SIGNER: { type: 'string', default: '', help: 'Key id or address to sign artifacts with; needs SIGNING_KEY' },
  SIGNING_KEY: { type: 'path', default: '', help: 'File with the private OpenPGP key; needs SIGNER' },
  TRUSTED_KEYS: {
    type: 'path',
    default: '',
    help: 'File or folder with public OpenPGP keys; if set, everything read must be signed by one of them',
  },
  SIGN: { type: 'boolean', default: false, help: 'Make signed tags' },
  ARCH: {
    type: 'string',
    default: 'amd64',
    help: 'Architecture that the SDK is made on (sdk_bootstrap, sdk_container)',
  },
  AVOID_NIGHTLY_BUILD_SHORTCUTS: {
    type: 'boolean',
    default: false,
    help: 'Build a nightly even if nothing changed since the last one',
  },
  CIA_DEBUGMAINBRANCH: { type: 'string', default: '', help: 'For tests: another branch for SDK nightlies' },
  CIA_DEBUGFLATCARBRANCHPREFIX: {
    type: 'string',
    default: '',
    help: 'For tests: another prefix of the branches for packages nightlies',
  },
  CIA_DEBUGNIGHTLY: { type: 'string', default: '', help: "For tests: another word for 'nightly' in versions" },
  CIA_DEBUGIMAGESEXIST: {
    type: 'string',
    default: '',
    help: "For tests: 'yes' or 'no' instead of asking the cache for the last nightly's images",
  },
  CIA_DEBUGTESTRUN: { type: 'string', default: '', help: 'For tests: stop after tagging' },
  MAX_RETRIES: { type: 'integer', default: 20, help: 'How many times the test step runs in all until nothing fails' },
  SKIP_COPY_TO_BINCACHE: { type: 'boolean', default: false, help: 'Do not publish the results of the test step' },
  VMS_PARALLEL: {
    type: 'integer',
    default: 0,
    help: 'Vendor formats made at the same time; 0: as many as cores and disk allow',
  },
  SLIPWAY_TREE: {
    type: 'string',
    default: '',
    help: 'Which config/trees/NAME.yaml describes the OS tree; empty: found by its version file',
  },
  SLIPWAY_CACHE_DIR: {
    type: 'path',
    default: '',
    help: 'Folder for what can be made again: local cache, nightly workspace; empty: slipway in the user cache folder',
  },
  SLIPWAY_NO_INSTALL: {
    type: 'boolean',
    default: false,
    help: 'Install nothing; end with exit code 2 and the list of what is missing',
  },
  docker: {
    type: 'string',
    default: '',
    help: "Container engine, for example 'docker' or 'sudo podman'; empty: found",
  },
} as const satisfies OptionTable;
