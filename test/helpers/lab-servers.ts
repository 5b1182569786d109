import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificates } from './https-server.ts';
import type { LabHost, LabProcess } from './network-lab.ts';
import { withWords } from './server-machine.ts';
import { makeSshKey } from './sshd.ts';

const SHIPPED = join(import.meta.dirname, '../../config/server/nginx-cache.conf');

const publicKeyOf = (file: string): string => readFileSync(`${file}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');

/** A real sshd on a host of a lab, at port 22, for root. */
export interface LabSshd extends LabProcess {
  /** The line of known_hosts that names it. */
  readonly knownHostsLine: string;
}

/**
 * Starts one (Debian package openssh-server).
 *
 * @param folder temporary folder
 * @param clientKey private key that may log in
 */
export const startLabSshd = async (host: LabHost, folder: string, clientKey: string): Promise<LabSshd> => {
  const at = (name: string): string => join(folder, name);
  makeSshKey(at('host_key'));
  writeFileSync(at('authorized_keys'), `${publicKeyOf(clientKey)}\n`, { mode: 0o600 });
  const config = [
    `ListenAddress ${host.address}`,
    `HostKey ${at('host_key')}`,
    `AuthorizedKeysFile ${at('authorized_keys')}`,
    `PidFile ${at('sshd.pid')}`,
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin prohibit-password',
    'StrictModes no',
    'UsePAM no',
    'MaxStartups 100',
    'Subsystem sftp internal-sftp',
    '',
  ];
  writeFileSync(at('sshd_config'), config.join('\n'));
  const command = ['/usr/sbin/sshd', '-D', '-e', '-f', at('sshd_config')];
  const daemon = await host.start({ command }, /Server listening on /);
  return { ...daemon, knownHostsLine: `${host.name}.lab ${publicKeyOf(at('host_key'))}` };
};

/** The web server of a cache on a host of a lab. */
export interface LabWebServer extends LabProcess {
  readonly url: string;
  readonly caFile: string;
}

/**
 * Starts nginx with the shipped configuration.
 *
 * @param folder temporary folder
 * @param root absolute path of the cache
 */
export const startLabWebServer = async (host: LabHost, folder: string, root: string): Promise<LabWebServer> => {
  const name = `${host.name}.lab`;
  const { caFile, certFile, keyFile } = makeCertificates(folder, [name]);
  const at = (file: string): string => join(folder, file);
  mkdirSync(at('temp'));
  const site = withWords(readFileSync(SHIPPED, 'utf8'), {
    'cache.example.org': name,
    '/etc/ssl/cache/cert.pem': certFile,
    '/etc/ssl/cache/key.pem': keyFile,
    '/srv/jail/srv/buildcache': root,
  });
  writeFileSync(at('site.conf'), site);
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${at('temp')};`,
  );
  const config = [
    'daemon off;',
    'user root;',
    'worker_processes 1;',
    `pid ${at('nginx.pid')};`,
    'error_log stderr notice;',
    `events {}`,
    `http { access_log off; ${temporary.join(' ')} include ${at('site.conf')}; }`,
    '',
  ];
  writeFileSync(at('nginx.conf'), config.join('\n'));
  // Its workers start when it listens.
  const daemon = await host.start(
    { command: ['nginx', '-e', 'stderr', '-c', at('nginx.conf')] },
    /start worker process/,
  );
  return { ...daemon, url: `https://${name}`, caFile };
};
