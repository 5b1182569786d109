import type { Command } from '../../process/index.ts';
import { RsyncBuilder } from './wrapper.ts';

/**
 * Undoes the shell quoting of one word of the rsync wrapper: `"…"` after an option's `=`, and `\x` anywhere. The wrapper only
 * gives out words that are ready for a shell, and ours go to the program as they are.
 *
 * @example unquoteWord('--rsh="ssh -p 22"') // --rsh=ssh -p 22
 */
export const unquoteWord = (word: string): string => {
  const quoted = /^(--?[^=" ]+[= ])"([\s\S]*)"$/.exec(word);
  const text = quoted ? `${quoted[1]}${quoted[2]}` : word;
  return text.replace(/\\([\s\S])/g, '$1');
};

/** One transfer from a folder here to a folder there. */
export interface RsyncTransfer {
  /** Absolute path; all files in it are sent. */
  readonly fromFolder: string;
  /** Host name as the ssh configuration has it. */
  readonly host: string;
  /** Folder on the host. */
  readonly toFolder: string;
  /** Path of the ssh configuration; without spaces, because rsync splits the command. */
  readonly sshConfig: string;
  /** Seconds without traffic after which rsync gives up. */
  readonly idleSeconds: number;
}

/**
 * The rsync command for a transfer into the staging folder.
 *
 * - Names in the staging folder are made from content, so a file of the right size there is the right file (`--size-only`).
 * - A file under its name is complete: what is not yet, is in `partial/` and is resumed from there.
 * - What is sent are links to the artifacts (`--copy-links`). Time, mode and, where the account there may set it, owner are kept as
 *   by the original's `rsync -a`, but everybody may read: it is what the cache is for.
 */
export const assembleRsync = (transfer: RsyncTransfer): Command => {
  const builder = new RsyncBuilder()
    .flags('rLptgo')
    .set('size-only')
    .set('sparse')
    .set('omit-dir-times')
    .set('chmod', 'D0755,Fa+r')
    .set('partial-dir', 'partial')
    .set('timeout', String(transfer.idleSeconds))
    .set('info', 'progress2')
    .set('no-human-readable')
    .shell(`ssh -F ${transfer.sshConfig}`)
    .source(`${transfer.fromFolder}/`)
    .destination(`${transfer.host}:${transfer.toFolder}/`);
  return [builder.executable(), ...builder.args().map(unquoteWord)];
};
