import type { ArtifactRecord } from '../cache/types.ts';
import type { Command, RunningCommand } from '../process/index.ts';

/** A container that exists. */
export interface ContainerState {
  /** 64 hex digits without `sha256:`. */
  readonly imageId: string;
  readonly running: boolean;
  /** Absolute paths of folders of this machine that are mounted into it. */
  readonly mounts: readonly string[];
}

/** What an engine says of one of its images. */
export interface ImageFacts {
  /** 64 hex digits without `sha256:`. */
  readonly imageId: string;
  /** Digests of the uncompressed layers, 64 hex digits, lowest first; the same one may come twice. */
  readonly diffIds: readonly string[];
}

/** How an engine keeps its layers. */
export interface EngineStorage {
  /** `graph`: docker's own store, `containerd`: docker on containerd's store, `podman`: podman's. */
  readonly kind: 'graph' | 'containerd' | 'podman';
  /** The engine's folder when its layers are in it as docker's `overlay2` driver lays them out; it may be another machine's. */
  readonly overlayRoot?: string;
}

/** The container engine of this machine. */
export interface Engine {
  readonly name: 'docker' | 'podman';
  /** How to call it, for example `['docker']` or `['sudo', 'podman']`. */
  readonly command: Command;
  readonly storage: EngineStorage;
  /** Image ID, 64 hex digits without `sha256:`, or undefined when the engine has no such image. */
  imageId(reference: string): Promise<string | undefined>;
  /** ID and layers of an image, or undefined when the engine has no such image. */
  inspectImage(reference: string): Promise<ImageFacts | undefined>;
  /** The layers ({@link ImageFacts.diffIds}) of every image that the engine has, also of those without a name. */
  layersOfAllImages(): Promise<readonly (readonly string[])[]>;
  /** Streams `reference` as a docker archive. */
  save(reference: string): RunningCommand;
  /** Takes a docker archive on standard input. */
  load(): Promise<RunningCommand>;
  /** Takes a tar on standard input and makes an image of it with that one layer, unpacking it while it comes. */
  importTar(reference: string): Promise<RunningCommand>;
  /** Tags of all images that are called `REPOSITORY:TAG`. */
  tagsOf(repository: string): Promise<readonly string[]>;
  /** Tries to pull from the image's registry; false when it is not to be had there. */
  pull(reference: string): Promise<boolean>;
  tag(source: string, target: string): Promise<void>;
  commit(container: string, reference: string): Promise<void>;
  removeImage(reference: string): Promise<void>;
  removeContainer(name: string): Promise<void>;
  /** What is known of a container, or undefined when there is none of that name. */
  containerState(name: string): Promise<ContainerState | undefined>;
  startContainer(name: string): Promise<void>;
  /** Stops a container without a grace: its commands are over. */
  stopContainer(name: string): Promise<void>;
  /** The `ci-cleanup.sh` line that removes an image, as the original writes it. */
  removeImageLine(reference: string): string;
}

/** A container image and the name and version under which the cache has it (`containers/VERSION/NAME-VERSION.tar.zst`). */
export interface ImageName {
  /** For example `flatcar-sdk-amd64`, without registry. */
  readonly name: string;
  /** Version with every `+` replaced by `-`. */
  readonly version: string;
  /** For example `ghcr.io/flatcar`; empty for images that live only in the cache. */
  readonly registry: string;
}

/** Container images in the artifact cache. */
export interface ContainerCache {
  /**
   * Makes sure that the engine has the image: takes the one that is there if its ID is the published one, else pulls it from its registry
   * (if it has one), else fetches, verifies and loads it from the cache.
   *
   * @returns the reference to use (`NAME:VERSION` or `REGISTRY/NAME:VERSION`), the ID that the engine has for it (with `--plan` undefined: it
   *   may not be there), how it came, and what was fetched
   * Throws `CONTAINER_IMAGE_MISSING` when nobody has it, `CONTAINER_IMAGE_WRONG_ID` when the loaded image is not the published one.
   */
  ensure(image: ImageName): Promise<{
    readonly reference: string;
    readonly id: string | undefined;
    readonly how: 'local' | 'pulled' | 'fetched';
    readonly fetched: readonly ArtifactRecord[];
  }>;
  /** Saves, compresses, digests, signs and publishes the image; `.id` appears last. */
  publish(image: ImageName): Promise<readonly ArtifactRecord[]>;
}
