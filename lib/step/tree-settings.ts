import { type LoadedSettings, type OptionSpec, SETTINGS, type SettingName, type ShellFile } from '../config/index.ts';
import type { TreeDescription } from '../tree/index.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The same folder from the root of the tree, when a folder in the container changes. The two end alike, and what is before it is where
 * the one is mounted as the other.
 *
 * @example moveHostRoot('/c/build/images', '__build__/images', '/c/build/mine') // '__build__/mine'
 */
const moveHostRoot = (root: string, hostRoot: string, moved: string): string => {
  const [inside, outside] = [root.split('/'), hostRoot.split('/')];
  while (inside.length > 0 && inside.at(-1) === outside.at(-1)) {
    inside.pop();
    outside.pop();
  }
  const mount = `${inside.join('/')}/`;
  return moved.startsWith(mount) ? [...outside, moved.slice(mount.length)].join('/') : hostRoot;
};

/** The description of a tree with the values that the tree's own file of settings has in their place. */
export const adaptTree = (tree: TreeDescription, { variables }: ShellFile): TreeDescription => {
  const names = tree.settingsFile;
  if (!names) return tree;
  const read = (name: string, otherwise: string): string => variables.get(name)?.value || otherwise;
  const root = read(names.imageRoot, tree.image.root);
  return {
    ...tree,
    author: { name: read(names.authorName, tree.author.name), email: read(names.authorEmail, tree.author.email) },
    image: { ...tree.image, root, hostRoot: moveHostRoot(tree.image.root, tree.image.hostRoot, root) },
  };
};

/** Handed to programs by those who start them, if at all. */
const isPassedOn = (name: SettingName): boolean =>
  !(SETTINGS[name] as OptionSpec).secret && !['docker', 'SIGNER', 'SIGNING_KEY'].includes(name);

/**
 * The environment as the tree's own steps have it once they have read their file: what it exports, and new values of what was there.
 * A setting of the file that a flag or a file of ours overrides goes to the tree's entry points, too, which read the file themselves: for
 * `NAME="${NAME:-value}"` they then find the same as we do.
 */
export const environmentAfter = (env: Environment, treeFile: ShellFile, loaded: LoadedSettings): Environment => {
  const overridden = (Object.keys(SETTINGS) as SettingName[]).filter((name) => {
    const origin = loaded.origins[name];
    const isOurs = origin.kind === 'flag' || (origin.kind === 'file' && origin.file !== treeFile.file);
    return isOurs && treeFile.variables.has(name) && isPassedOn(name);
  });
  const asText = (value: string | number | boolean): string =>
    value === true ? '1' : value === false ? '0' : `${value}`;
  const ours = overridden.map((name) => [name, asText(loaded.values[name])]);
  return { ...env, ...treeFile.exported, ...Object.fromEntries(ours) };
};
