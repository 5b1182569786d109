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
  BUILDCACHE_SSH_PORT: {
    type: 'integer',
    default: 0,
    help: 'Port of sshd on the cache server; 0: what ssh is configured to, else 22',
  },
  BUILDCACHE_SSH_KEY: {
    type: 'path',
    default: '',
    help: 'Private key for the cache server; empty: what ssh is configured to use, else the ssh agent',
  },
  BUILDCACHE_KNOWN_HOSTS: {
    type: 'path',
    default: '',
    help: 'File with the host key of the cache server; empty: what ssh is configured to use, else ~/.ssh/known_hosts',
  },
  BUILDCACHE_URL: {
    type: 'string',
    default: '',
    help: 'Where the cache is read; empty: https://BUILDCACHE_SERVER',
  },
  BUILDCACHE_CA_FILE: {
    type: 'path',
    default: '',
    help: 'More certificate authorities to trust (PEM), for a cache server with its own; besides those of the system',
  },
  BUILDCACHE_MIRROR_URL: {
    type: 'string',
    default: '',
    help: "A second place to read what the cache lacks; empty: the tree's own; none: no second place",
  },
  BUILDCACHE_DIR: {
    type: 'path',
    default: '',
    help: 'Folder of the local artifact cache; empty: buildcache in the user cache folder',
  },
  BUILDCACHE_LAYOUT: {
    type: 'string',
    default: '',
    help: "How container images are stored: dedup (each content once), flat (a whole archive each, as Flatcar's bash reads them) or both; empty: the tree's own",
  },
  BUILDCACHE_CHUNK_DIR: {
    type: 'path',
    default: '',
    help: 'Folder for what this machine keeps of the container images on the cache server; empty: chunks in the user cache folder',
  },
  BUILDCACHE_CHUNK_LIMIT: {
    type: 'integer',
    default: 20,
    help: 'How many GiB BUILDCACHE_CHUNK_DIR may hold; what was used least recently goes first',
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
  PROVENANCE_BUILDER_ID: {
    type: 'string',
    default: '',
    help: 'URI that names this builder in the statements on what the steps made; empty: urn:slipway:builder',
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
    help: 'Build even if nothing changed since the last nightly, or if the version is published already',
  },
  COREOS_OVERLAY_REF: {
    type: 'string',
    default: '',
    help: "For trees with this submodule: what a new version takes of it when it does not have the version's tag yet",
  },
  PORTAGE_STABLE_REF: { type: 'string', default: '', help: 'The same for the submodule portage-stable' },
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
  MANTLE_REF: {
    type: 'string',
    default: '',
    help: 'Container image with the test tools; empty: the one that the tree names. For trees that bring their tests along',
  },
  TEST_WORK_DIR: {
    type: 'string',
    default: '__TESTS__',
    help: 'Folder in the tree for the work and the results of the test step',
  },
  SKIP_COPY_TO_BINCACHE: { type: 'boolean', default: false, help: 'Do not publish the results of the test step' },
  DRY_RUN: {
    type: 'boolean',
    default: false,
    help: 'Only say what would be done, like --plan (in the environment: for garbage_collect only)',
  },
  PURGE_VERSIONS: {
    type: 'string',
    default: '',
    help: 'For garbage_collect: tags of development builds to delete, instead of by number and age',
  },
  RELEASES_JSON_FEED: {
    type: 'string',
    default: '',
    help: "For garbage_collect: URL of the list of releases; empty: the tree's own",
  },
  GARBAGE_MAX_SHARE: {
    type: 'integer',
    default: 25,
    help: 'For garbage_collect: percent of a cache folder that may be deleted as orphans at once without --yes-really',
  },
  AWS_CREDENTIALS: {
    type: 'string',
    default: '',
    secret: true,
    help: 'For the release step: AWS credentials file, in base64',
  },
  AWS_MARKETPLACE_CREDENTIALS: {
    type: 'string',
    default: '',
    secret: true,
    help: 'For the release step: AWS credentials file of the marketplace account, in base64',
  },
  AWS_MARKETPLACE_ARN: {
    type: 'string',
    default: '',
    secret: true,
    help: 'For the release step: role with which the AWS marketplace reads the images',
  },
  AWS_CLOUDFORMATION_CREDENTIALS: {
    type: 'string',
    default: '',
    secret: true,
    help: 'For the release step: AWS credentials file for the CloudFormation templates, in base64',
  },
  GCP_JSON_KEY: {
    type: 'string',
    default: '',
    secret: true,
    help: 'For the release step: key file of Google Cloud, in base64',
  },
  GOOGLE_RELEASE_CREDENTIALS: {
    type: 'string',
    default: '',
    secret: true,
    help: 'For the release step: key file for the release in Google Cloud, in base64',
  },
  REGISTRY_USERNAME: {
    type: 'string',
    default: '',
    help: 'For the release step: user at CONTAINER_REGISTRY; needs REGISTRY_PASSWORD',
  },
  REGISTRY_PASSWORD: {
    type: 'string',
    default: '',
    secret: true,
    help: 'For the release step: password at CONTAINER_REGISTRY; needs REGISTRY_USERNAME',
  },
  RCLONE_CONFIGURATION_FILE: {
    type: 'string',
    default: '',
    secret: true,
    help: 'For the release step: configuration of rclone with the buckets, in base64',
  },
  VMS_PARALLEL: {
    type: 'integer',
    default: 0,
    help: 'Vendor formats made at the same time; 0: as many as cores and disk allow',
  },
  SLIPWAY_TREE: {
    type: 'string',
    default: '',
    help: 'Which config/trees/NAME.yaml, or which file (*.yaml), describes the OS tree; empty: found by its version file',
  },
  SLIPWAY_CACHE_DIR: {
    type: 'path',
    default: '',
    help: 'Folder for what can be made again: local cache, nightly workspace; empty: slipway in the user cache folder',
  },
  SLIPWAY_RUN: {
    type: 'string',
    default: '',
    help: "Name of the run that a step belongs to, for example the CI's build number; reports put the steps of a run together by it",
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
