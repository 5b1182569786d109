// Stands between sshd and its sftp-server, and kills the session at the point of a rename: plain JavaScript, because sshd starts it for each session.
// node sftp-killer.mjs STATE: the file STATE has the number of renames that are still to pass, and `before` or `after`.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const [, , state = ''] = process.argv;
const RENAME = 18;
const EXTENDED = 200;

const server = spawn('/usr/lib/openssh/sftp-server', [], { stdio: ['pipe', 'pipe', 'inherit'] });
let isDoomed = false;

/** The sshd of this session, which is our parent or a shell's. */
const findSession = () => {
  for (let pid = process.ppid; pid > 1; ) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    if (stat.includes('(sshd')) return pid;
    pid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
  }
  throw new Error('no sshd above this process');
};

const die = () => {
  process.kill(server.pid, 'SIGKILL');
  process.kill(findSession(), 'SIGKILL');
  process.kill(process.pid, 'SIGKILL');
};

/** Whether this is the rename that is waited for; counts it otherwise. */
const isTheOne = () => {
  const [left = '', when = ''] = readFileSync(state, 'utf8').split(' ');
  if (left === '') return undefined;
  writeFileSync(state, left === '0' ? '' : `${Number(left) - 1} ${when}`);
  return left === '0' ? when : undefined;
};

const isRename = (packet) => {
  const type = packet[4];
  return (
    type === RENAME || (type === EXTENDED && packet.toString('latin1', 13, 40).startsWith('posix-rename@openssh.com'))
  );
};

let pending = Buffer.alloc(0);
process.stdin.on('data', (chunk) => {
  pending = Buffer.concat([pending, chunk]);
  while (pending.length >= 4 && pending.length >= 4 + pending.readUInt32BE(0)) {
    const packet = pending.subarray(0, 4 + pending.readUInt32BE(0));
    pending = pending.subarray(packet.length);
    const when = isRename(packet) ? isTheOne() : undefined;
    if (when === 'before') die();
    isDoomed ||= when === 'after';
    server.stdin.write(packet);
  }
});
process.stdin.on('end', () => server.stdin.end());
server.stdout.on('data', (chunk) => {
  // It was renamed, and the client will never know.
  if (isDoomed) die();
  process.stdout.write(chunk);
});
server.on('exit', (code) => process.exit(code ?? 1));
