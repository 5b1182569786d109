import type { ErrorCode } from '../errors/index.ts';

/** A trouble that is known, how it is recognised, and what to do about it. */
export interface KnownCause {
  /** Short name, for tests and programs. */
  readonly id: string;
  /** What programs, and Node in its error codes, print when this is the matter. Texts of the C locale, as in CIs. */
  readonly output: RegExp;
  /** Errors of Slipway that mean this, whatever was printed. */
  readonly codes?: readonly ErrorCode[];
  /** What probably lies behind the failure, one sentence. */
  readonly cause: string;
  /** What to do about it. */
  readonly fix: string;
}

/** The known troubles. Where several match, the one that was printed last counts; of those at one place, the first in this list. */
export const KNOWN_CAUSES: readonly KnownCause[] = [
  {
    id: 'disk-full',
    output:
      /no space left on device|ENOSPC|disk quota exceeded|EDQUOT|not enough free disk space|: wrote only \d+ of \d+ bytes/i,
    codes: ['DISK_TOO_SMALL', 'CACHE_DISK_FULL', 'CONTAINER_NO_SPACE'],
    cause: 'A disk is full.',
    fix: "Free some space ('df -h' and 'df -i' show where none is left; ci-cleanup.sh of earlier steps and 'docker system prune' free containers and images).",
  },
  {
    id: 'engine-denied',
    output: /permission denied while trying to connect to the docker|docker\.sock[^\n]*permission denied/i,
    cause: 'This user may not use the socket of the container engine.',
    fix: "Add the user to the group of the socket ('ls -l /var/run/docker.sock', 'usermod -aG docker USER', then log in again), or use podman.",
  },
  {
    id: 'engine-down',
    output:
      /cannot connect to the docker daemon|is the docker daemon running|error during connect|cannot connect to podman/i,
    codes: ['ENGINE_NOT_RUNNING', 'ENGINE_MISSING', 'ENGINE_START_FAILED'],
    cause: 'The container engine does not run, or is looked for at another socket than its own.',
    fix: "Start it ('systemctl start docker', or 'npm run setup' in Slipway's checkout), and look at DOCKER_HOST.",
  },
  {
    id: 'name-resolution',
    output:
      /could not resolve host|temporary failure (?:in name resolution|resolving)|name or service not known|no address associated with hostname|lookup \S+(?: on \S+)?: (?:no such host|server misbehaving|i\/o timeout)|ENOTFOUND|EAI_AGAIN/i,
    cause: 'A host name could not be resolved.',
    fix: "Check the spelling of the host in the message and the name servers of this machine ('getent hosts NAME', /etc/resolv.conf); in a container also its network.",
  },
  {
    id: 'connection-refused',
    output: /connection refused|ECONNREFUSED|couldn't connect to server/i,
    cause: 'Nothing listens at that address and port.',
    fix: 'Check that the server runs and that host and port in the settings are right; a firewall may refuse as well.',
  },
  {
    id: 'no-route',
    output:
      /connection timed out|operation timed out|no route to host|network is unreachable|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/i,
    cause: 'The host cannot be reached: no route to it, or nothing comes back.',
    fix: 'Check the network of this machine, a proxy or VPN that it needs, and firewalls in between.',
  },
  {
    id: 'ssh-key',
    output: /permission denied \([^)\n]*publickey[^)\n]*\)/i,
    codes: ['CACHE_LOGIN'],
    cause: 'The ssh server does not accept the key that it was shown.',
    fix: "Use the right key and user ('ssh -v' shows what is tried), and put its public half into authorized_keys of the account.",
  },
  {
    id: 'host-key',
    output: /host key verification failed|remote host identification has changed|host key is known for/i,
    codes: ['CACHE_HOST_KEY'],
    cause: 'The ssh server showed a host key that is not the known one, or none is known for it.',
    fix: 'Compare its fingerprint with the one that the operator tells, and correct known_hosts only then.',
  },
  {
    id: 'clock',
    output:
      /certificate (?:has expired|is not yet valid)|certificate has expired or is not yet valid|CERT_HAS_EXPIRED|CERT_NOT_YET_VALID|release file [^\n]*is (?:not valid yet|expired)|clock skew detected|timestamp[^\n]* in the future|has been created \d+ seconds? in the future/i,
    cause: 'Something is not valid at this time: a certificate has expired, or the clock of a machine is wrong.',
    fix: "Compare the clock ('date -u') with the time of day, and the dates of the certificate ('openssl s_client -connect HOST:443 </dev/null | openssl x509 -noout -dates').",
  },
  {
    id: 'certificate',
    output:
      /self[- ]signed certificate|unable to (?:get|verify)[^\n]*certificate|certificate verif(?:y|ication) failed|SSL certificate problem|server certificate verification|signed by unknown authority|no alternative certificate subject name|does not match target host name|UNABLE_TO_(?:GET|VERIFY)\w*|SELF_SIGNED_CERT\w*|ERR_TLS_CERT_ALTNAME_INVALID/i,
    codes: ['CACHE_TLS_UNTRUSTED'],
    cause: 'The certificate of a server is not trusted, or is for another name.',
    fix: 'Make the authority that issued it known (BUILDCACHE_CA_FILE for the cache, update-ca-certificates for the machine), and use the name that the certificate has.',
  },
  {
    id: 'rate-limit',
    output: /toomanyrequests|too many requests|rate limit|(?:status(?: code)?|error|HTTP(?:\/[\d.]+)?):? 429\b/i,
    cause: 'A server has had too many requests from here and refuses more for a while.',
    fix: 'Log in to the registry, use a mirror or the artifact cache instead, or run the step again later.',
  },
  {
    id: 'out-of-memory',
    output:
      /out of memory|cannot allocate memory|memory exhausted|oom-kill|ENOMEM|signal SIGKILL|exit code 137|killed \(signal 9\)|fatal error: killed signal|^(?:.*: line \d+: +\d+ )?Killed\b/im,
    cause: 'The memory ran out: a program was refused some, or the kernel killed it (signal 9).',
    fix: "Give the machine or container more memory, or build with fewer jobs at once ('dmesg | grep -i oom' shows who was killed).",
  },
  {
    id: 'read-only',
    output: /read-only file system|EROFS/i,
    cause: 'A file system that is to be written to is read-only.',
    fix: "Look how it is mounted ('findmnt -T PATH'); one that was mounted for writing turns read-only after disk errors (dmesg).",
  },
  {
    id: 'key-expired',
    output:
      /KEYEXPIRED|EXPKEYSIG|\bEXPSIG\b|key (?:\S+ )?(?:has )?expired|expired-key|expired-signature|it (?:has )?expired/i,
    cause: 'An OpenPGP key or signature has expired.',
    fix: "Extend the key ('gpg --quick-set-expire FINGERPRINT 1y') or take a new one, export it again, and give it to those who check.",
  },
  {
    id: 'git-identity',
    output:
      /please tell me who you are|unable to auto-detect email address|empty ident name|(?:committer|author) identity unknown/i,
    cause: 'git does not know in whose name to commit.',
    fix: 'Set it for the user that runs the step: git config --global user.name NAME; git config --global user.email ADDRESS',
  },
  {
    id: 'push-rejected',
    output: /! \[(?:remote )?rejected\]|pre-receive hook declined|failed to push some refs|protected branch/i,
    codes: ['PUSH_REJECTED', 'TAG_TAKEN', 'BRANCH_MOVED'],
    cause: 'The git remote refused the push: somebody pushed first, or a rule of the server forbids it.',
    fix: "Fetch and look at what is there; what the lines after 'remote:' say is from the server. A rule (protected branch or tag, hook) must let this user push.",
  },
  {
    id: 'git-login',
    output:
      /authentication failed for|could not read (?:username|password)|invalid username or (?:password|token)|the requested URL returned error: 40[13]/i,
    cause: 'A server does not accept the user name, password or token, or there was none.',
    fix: "Put a token that may do this into the CI's secret store or git's credential helper, and look whether it has expired.",
  },
];
