import { join } from 'node:path';
import { execa } from 'execa';

const root = join(import.meta.dirname, '../..');

/** How one run of image_to_vm.sh ended. */
export interface Conversion {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Every conversion in the tests happens "at" this time, seconds since 1970. */
export const testEpoch = 1_780_000_000;

/**
 * Run skiff/image_to_vm.sh on this machine, as it runs in the SDK container: zx on PATH, no shell around it.
 * @param args flags behind the script's name
 */
export async function runImageToVm(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Conversion> {
  const result = await execa(join(root, 'skiff/image_to_vm.sh'), args, { reject: false, env: toolEnv(env) });
  return { exitCode: result.exitCode, stdout: String(result.stdout), stderr: String(result.stderr) };
}

/** The environment of {@link runImageToVm}, for tests that start it themselves. */
export function toolEnv(env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const bin = join(root, 'node_modules/.bin');
  return {
    ...process.env,
    SOURCE_DATE_EPOCH: String(testEpoch),
    ...env,
    PATH: `${bin}:${process.env.PATH}:/usr/sbin:/sbin`,
  };
}

/** Make one format; throws with the tool's output unless it succeeds. */
export async function convert(from: string, to: string, format: string, compressions = 'none'): Promise<void> {
  const args = ['--format', format, '--board=amd64-usr', '--from', from, '--to', to, '--only_store_compressed'];
  const { exitCode, stderr } = await runImageToVm([...args, `--image_compression_formats=${compressions}`]);
  if (exitCode !== 0) throw new Error(`image_to_vm.sh --format ${format} ended with ${exitCode}:\n${stderr}`);
}
