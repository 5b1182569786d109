import path from 'node:path';

/** Absolute path of the checkout: the folder that holds the entry points and sdk_lib/. */
export const treeDir = path.dirname(import.meta.dirname);

/** Where the SDK keeps what it pinned for later steps; same path in an SDK root and in every SDK container. */
export const distfilesDir = '/var/lib/skiff/distfiles';

/** The only board that Skiff has now. */
export const boards = ['amd64-usr'];

/** @returns absolute path of a board's folder in an SDK container, for example /build/amd64-usr */
export function getBoardDir(board: string): string {
  return path.join('/build', board);
}
