/** A key that can sign, by what `gpg --with-colons` lists. */
export interface KeyLife {
  /** Of the primary key, hex digits. */
  readonly fingerprint: string;
  readonly userId: string;
  /** When it can no longer sign, in milliseconds since 1970; undefined: never. */
  readonly endsMs: number | undefined;
  /** It has expired, is revoked, disabled, or was never made for signing. */
  readonly isDead: boolean;
}

interface Part {
  readonly validity: string;
  readonly endsMs: number | undefined;
  readonly canSign: boolean;
}

const partOf = (fields: readonly string[]): Part => ({
  validity: fields[1] ?? '',
  endsMs: fields[6] ? Number(fields[6]) * 1000 : undefined,
  canSign: (fields[11] ?? '').includes('s'),
});

const isAlive = ({ validity }: Part): boolean => !/^[reidn]$/.test(validity);
/** Never is the latest of all. */
const numberOf = (endsMs: number | undefined): number => endsMs ?? Number.POSITIVE_INFINITY;

/** The end of the part that signs longest; none lives longer than the primary key. */
const lifeOf = (primary: Part, parts: readonly Part[]): Pick<KeyLife, 'endsMs' | 'isDead'> => {
  const signing = parts.filter((part) => part.canSign);
  const alive = signing.filter(isAlive);
  const counted = alive.length > 0 ? alive : signing;
  const last = Math.min(numberOf(primary.endsMs), Math.max(...counted.map(({ endsMs }) => numberOf(endsMs)), 0));
  return {
    endsMs: counted.length > 0 && Number.isFinite(last) ? last : undefined,
    isDead: !isAlive(primary) || alive.length === 0,
  };
};

/** Splits a listing where each primary key begins. */
const groupsOf = (listing: string): string[][][] => {
  const groups: string[][][] = [];
  for (const fields of listing.split('\n').map((line) => line.split(':'))) {
    if (fields[0] === 'sec' || fields[0] === 'pub') groups.push([]);
    groups.at(-1)?.push(fields);
  }
  return groups;
};

/** Reads `gpg --with-colons --list-keys` or `--list-secret-keys`. The format: doc/DETAILS of GnuPG. */
export const parseKeyLives = (listing: string): readonly KeyLife[] =>
  groupsOf(listing).map((records) => {
    const of = (...kinds: string[]): string[][] => records.filter(([kind = '']) => kinds.includes(kind));
    const parts = of('sec', 'pub', 'ssb', 'sub').map(partOf);
    const [primary = partOf([])] = parts;
    return {
      fingerprint: of('fpr')[0]?.[9] ?? '',
      userId: of('uid')[0]?.[9] ?? '',
      ...lifeOf(primary, parts),
    };
  });
