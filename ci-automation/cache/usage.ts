import type { OwnFlag } from '../../lib/step/index.ts';

/** What `cache --help` prints. */
export const HELP = `cache: looks after the artifact cache (BUILDCACHE_SERVER, or the folder BUILDCACHE_DIR)

Usage: cache.ts [OPTION...] ls [FOLDER]
       cache.ts [OPTION...] du [VERSION]
       cache.ts [OPTION...] verify [VERSION]
       cache.ts [OPTION...] gc
       cache.ts [OPTION...] repair
       cache.ts [OPTION...] mirror TARGET
       cache.ts [OPTION...] export NAME:VERSION --to PATH
       cache.ts [OPTION...] import FILE [NAME:VERSION]
  ls       print the versions and what each has; FOLDER, such as images/amd64: only what is there
  du       print how much of the disk each version takes: its own files, the layers of its images as they are, what these would take
           alone in the deduplicated store, and what of it no other version has
  verify   read every byte and compare it with its digest, and signatures when TRUSTED_KEYS is set; goes on where an interrupted run ended
    --from-start      do not go on, begin anew
    --deep            also rebuild every layer from its blocks
  gc       delete what no image needs; may run while others publish and read
    --keep-newest N   delete versions, but not the N newest of each line (releases of a channel, nightlies, SDKs of pull requests, others)
    --keep-days D     delete versions, but none that is younger
    --keep VERSION    keep this one, too; may be given several times
    --drop-releases   let the rules count for releases, which otherwise stay for ever
    --grace TIME      how long things stay in the trash, and new ones are left alone: 36h, 2d; default 24h. 0 only when nobody publishes
  repair   rebuild indexes of packs, pointers and lists of newest images; put damaged packs aside
  mirror   copy what is missing to TARGET, a folder or [USER@]HOST:/FOLDER, verified and in an order in which readers never see a part
    --delete          delete there what is not here any more
    --to-url URL      where TARGET is read; default https://HOST
    --to-ssh-port, --to-ssh-key, --to-known-hosts, --to-ca-file   of TARGET; default: BUILDCACHE_SSH_PORT and so on
  export   write an image of the deduplicated store to PATH, verified; PATH appears when it is complete
    --to PATH         must not be there yet
    --format tar.zst  a docker archive (default); of an image that is stored as one: a copy
             oci      an OCI image layout: a folder, or a tar when PATH ends with .tar
             casync   a folder with the docker archive as casync's index NAME-VERSION.caibx and its chunks
  import   put the image in FILE into the deduplicated store: a docker archive or an OCI image layout (folder or tar), also compressed with
           gzip or zstd; no container engine is needed. NAME:VERSION: default as in the file
  --dry-run  gc, repair, mirror, export, import: print what would be done, and do nothing
  --json     the result as JSON

Exit codes: 0 done; 1 failed; 2 wrong use or settings; 3 something is damaged or missing, it is named
`;

/** The flags, and the commands that have them. */
export const FLAGS: readonly (OwnFlag & { readonly of: readonly string[] })[] = [
  { flag: '--from-start', help: '', of: ['verify'] },
  { flag: '--deep', help: '', of: ['verify'] },
  { flag: '--keep-newest', value: 'N', help: '', of: ['gc'] },
  { flag: '--keep-days', value: 'D', help: '', of: ['gc'] },
  { flag: '--keep', value: 'VERSION', repeatable: true, help: '', of: ['gc'] },
  { flag: '--drop-releases', help: '', of: ['gc'] },
  { flag: '--grace', value: 'TIME', help: '', of: ['gc'] },
  { flag: '--dry-run', help: '', of: ['gc', 'repair', 'mirror', 'export', 'import'] },
  { flag: '--to', value: 'PATH', help: '', of: ['export'] },
  { flag: '--format', value: 'FORMAT', help: '', of: ['export'] },
  { flag: '--delete', help: '', of: ['mirror'] },
  ...['--to-url', '--to-ssh-port', '--to-ssh-key', '--to-known-hosts', '--to-ca-file'].map((flag) => ({
    flag,
    value: 'VALUE',
    help: '',
    of: ['mirror'],
  })),
];
