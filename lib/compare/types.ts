import type { Blob } from './blob.ts';

/** What a thing is, for people and programs. */
export type Kind =
  | 'artifact'
  | 'disk'
  | 'partition'
  | 'filesystem'
  | 'hash tree'
  | 'archive'
  | 'compressed'
  | 'program'
  | 'file'
  | 'folder'
  | 'link'
  | 'special'
  | 'section'
  | 'space'
  | 'text'
  | 'json'
  | 'bytes';

/** A fact that is another one on either side; undefined: that side has none. */
export interface Change {
  /** For example `mode` or `link target`. */
  readonly what: string;
  readonly before: string | undefined;
  readonly after: string | undefined;
}

/** One node of the tree of differences. What is the same on both sides is not in the tree. */
export interface Difference {
  /** Names from the top, the last one is this node's; as found, with whatever characters somebody put into them. */
  readonly path: readonly string[];
  readonly kind: Kind;
  /** What it turned out to be, for example `squashfs`. */
  readonly form?: string;
  /** `unreadable`: it differs, and nobody can say how. */
  readonly state: 'differs' | 'added' | 'removed' | 'unreadable';
  /** Bytes on either side, where it has content. */
  readonly sizes?: { readonly before?: number; readonly after?: number };
  readonly changes: readonly Change[];
  /** Why it could not be looked into, or what else a reader should know; one line. */
  readonly note?: string;
  /** Lines of a unified difference, of bytes as hex, or of keys. */
  readonly excerpt?: readonly string[];
  readonly children: readonly Difference[];
  /** How many more children differ that are not listed. */
  readonly leftOut?: number;
}

/** One thing inside of another. */
export interface Member {
  readonly kind: Kind;
  /** What is compared besides the content: mode, owner, type, link target and the like. */
  readonly facts: Readonly<Record<string, string>>;
  /** Undefined: it has no bytes of its own (folders, links). */
  readonly content?: Blob;
  /** It follows from the rest, so that a difference in it is no news. */
  readonly note?: string;
}

/** Something that was looked into. */
export interface Opened {
  /** For example `GPT disk` or `squashfs`; two that are not the same are not compared member by member. */
  readonly form: string;
  readonly kind: Kind;
  readonly facts: Readonly<Record<string, string>>;
  readonly members: ReadonlyMap<string, Member>;
  /** The one member is the same thing in another wrapping: it gets no level of its own. */
  readonly isWrapping?: boolean;
}

/** How far the comparison goes. */
export interface Limits {
  /** Levels of things in things. */
  readonly depth: number;
  /** Nodes of the tree of differences. */
  readonly differences: number;
  /** Differing members of one thing that are listed. */
  readonly listed: number;
  /** Bytes that all unpacking together may write. */
  readonly unpackedBytes: number;
  /** Longer texts and JSON documents are compared as bytes. */
  readonly textBytes: number;
  /** Lines of an excerpt. */
  readonly excerptLines: number;
  /** Milliseconds for one external program. */
  readonly toolMs: number;
}

const GIB = 1024 ** 3;

/** Those that hold where nobody says others. */
export const LIMITS: Limits = {
  depth: 16,
  differences: 20_000,
  listed: 1_000,
  unpackedBytes: 64 * GIB,
  textBytes: 4 * 1024 ** 2,
  excerptLines: 40,
  toolMs: 30 * 60_000,
};
