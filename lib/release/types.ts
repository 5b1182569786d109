import type { ArtifactCache, ArtifactRecord } from '../cache/types.ts';
import type { Facts } from '../config/index.ts';
import type { ContainerCache, Engine } from '../container/types.ts';
import type { Log } from '../log/index.ts';
import type { Cleanup, Runner } from '../process/index.ts';
import type { Credentials } from './credentials.ts';
import type { ReleaseProfile } from './profile.ts';

/** What a release works with; a step's context has it all. */
export interface ReleaseContext {
  readonly log: Log;
  /** Absolute path of the OS tree. */
  readonly root: string;
  readonly workspace: {
    resolve(path: string): string;
    makeFolder(path: string): Promise<void>;
    remove(path: string): Promise<void>;
    write(path: string, text: string): Promise<void>;
    append(path: string, text: string): Promise<void>;
  };
  readonly effects: Runner;
  readonly engine: Engine;
  /** Still works after an interrupt. */
  readonly rescueEngine: Engine;
  readonly cache: ArtifactCache;
  readonly containers: ContainerCache;
  /** Of the SDK images; may be empty. */
  readonly registry: string;
  readonly plan: boolean;
  readonly signal: AbortSignal;
  /** Absolute path of a folder that is removed at the end. */
  readonly temp: string;
  readonly cleanup: Cleanup;
  readonly onInterrupt: Cleanup;
  readonly inputs: ArtifactRecord[];
  readonly outputs: ArtifactRecord[];
}

/** What the checkout says about what is released; fills placeholders. */
export interface ReleaseFacts extends Facts {
  /** OS version in cache form. */
  readonly version: string;
  readonly sdkVersion: string;
  /** The same with `-` for `+`. */
  readonly sdkVersionTag: string;
  /** The channel. */
  readonly group: string;
}

/** What is released, and how. */
export interface ReleaseRequest {
  readonly profile: ReleaseProfile;
  readonly facts: ReleaseFacts;
  readonly arches: readonly string[];
  /** Names of the SDK container images, without registry. */
  readonly sdkImages: readonly string[];
  /** Where the cache is read by others; empty when it cannot be. */
  readonly cacheUrl: string;
}

/** A request whose credentials are read. */
export interface Release extends ReleaseRequest {
  readonly credentials: Credentials;
}
