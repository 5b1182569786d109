import { createHash } from 'node:crypto';
import path from 'node:path';
import type { Format } from './vm-formats.ts';

/** One conversion: the inputs every writer gets. All paths are absolute. */
export interface VmJob {
  readonly format: Format;
  readonly board: string;
  /** Raw GPT disk, sparse. */
  readonly disk: string;
  readonly kernel: string;
  /** Folder of vms/, with templates/. */
  readonly assets: string;
  /** Folder that receives the results. */
  readonly target: string;
  /** Hidden folder below the target folder; only this job writes to it. */
  readonly temp: string;
  /** Seconds since 1970 for every timestamp in the output. */
  readonly epoch: number;
  /** SKIFF_VERSION of the image's version.txt, for example `4523.0.0+nightly-20261120-2100`. */
  readonly version: string;
}

/** A finished file in the job's temp folder, not yet under its final name. */
export interface Produced {
  /** Where it is now. */
  readonly file: string;
  /** Its final name in the target folder. */
  readonly name: string;
  /** Whether the list of compressions applies to it. */
  readonly compress: boolean;
  /** The file is an input: it may be read but not moved. */
  readonly borrowed?: boolean;
}

/** Makes the files of one kind of format; see vm-writers.ts. */
export type Writer = (job: VmJob) => Promise<Produced[]>;

/** A place for an intermediate or finished file of this job. */
export function tempFile(job: VmJob, name: string): string {
  return path.join(job.temp, name);
}

/** The job's main file, at its place in the temp folder. */
export function mainFile(job: VmJob): Produced {
  return { file: tempFile(job, job.format.image), name: job.format.image, compress: job.format.compress };
}

/**
 * An identifier that tools want random but that must not differ between two builds of one tag: the first 16 bytes of
 * the sha256 of version, board, format and purpose, marked as UUID version 8 (RFC 9562, "custom").
 */
export function pinnedUuid(job: VmJob, purpose: string): Buffer {
  const seed = [job.version, job.board, job.format.name, purpose].join('\n');
  const bytes = createHash('sha256').update(seed).digest().subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes;
}

/** `pinnedUuid` in its usual text form. */
export function pinnedUuidText(job: VmJob, purpose: string): string {
  const hex = pinnedUuid(job, purpose).toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
