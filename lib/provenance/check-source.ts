import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Git, TagReader } from '../git/index.ts';
import type { Verifier } from '../signing/index.ts';
import type { ChainLink, CheckSource } from './chain.ts';

/** What looking at tags works with. */
export interface SourceParts {
  readonly git: Pick<Git, 'remoteRefs'>;
  readonly tags: Pick<TagReader, 'bring' | 'tagText'>;
  /** Undefined: signatures of tags are not looked at. */
  readonly verifier: Verifier | undefined;
  /** Absolute path of a folder for temporary files. */
  readonly temp: string;
}

type Checked = Pick<ChainLink, 'state' | 'why' | 'detail' | 'signer'>;

/** Names that git takes neither for an option nor for a pattern. */
const TAG = /^[0-9A-Za-z][\w.+/-]*$/;

const PGP = '-----BEGIN PGP SIGNATURE-----';

/** Checks the signature of a tag object, which stands at its end. */
const checkSignature = async (text: string, { verifier, temp }: SourceParts): Promise<Checked> => {
  const at = text.indexOf(PGP);
  if (at < 0)
    return {
      state: 'ok',
      detail: text.includes('-----BEGIN SSH SIGNATURE-----') ? 'signed with ssh, not checked' : 'unsigned tag',
    };
  if (!verifier) return { state: 'ok', detail: 'signed tag, not checked' };
  const [file, signature] = [join(temp, 'tag'), join(temp, 'tag.sig')];
  await writeFile(file, text.slice(0, at));
  await writeFile(signature, `${text.slice(at)}\n`);
  const verdict = await verifier.verify(file, signature);
  if (!verdict.valid) return { state: 'broken', why: `the signature of the tag does not count: ${verdict.detail}` };
  return {
    state: 'ok',
    detail: `tag signed by ${verdict.signedBy} ${verdict.fingerprint}`,
    signer: verdict.fingerprint,
  };
};

const check = async (parts: SourceParts, tag: string, commit: string): Promise<Checked> => {
  if (!TAG.test(tag)) return { state: 'broken', why: `${JSON.stringify(tag)} cannot be the name of a tag` };
  const ref = `refs/tags/${tag}`;
  const refs = await parts.git.remoteRefs([ref, `${ref}^{}`]);
  const object = refs.get(ref);
  if (object === undefined) return { state: 'broken', why: `the remote has no tag ${tag}` };
  const pointsTo = refs.get(`${ref}^{}`) ?? object;
  if (pointsTo !== commit)
    return { state: 'broken', why: `the tag ${tag} is at commit ${pointsTo} on the remote, but ${commit} was built` };
  if (object === pointsTo) return { state: 'ok', detail: 'lightweight tag' };
  await parts.tags.bring([tag]);
  return checkSignature(await parts.tags.tagText(object), parts);
};

/** Looks at tags as the remote has them now: whether they are where the statement says, and who signed them. Each once. */
export const createSourceCheck = (parts: SourceParts): CheckSource => {
  const known = new Map<string, Promise<Checked>>();
  return ({ tag, commit }) => {
    const key = `${tag} ${commit}`;
    const checked = known.get(key) ?? check(parts, tag, commit);
    known.set(key, checked);
    return checked;
  };
};
