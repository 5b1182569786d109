import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { load } from 'js-yaml';
import { parseRegions, renderTemplate, templateFile } from '../../../lib/release/templates.ts';
import { readTreeDescription } from '../../../lib/tree/index.ts';

const TREES = join(import.meta.dirname, '..', '..', '..', 'config', 'trees');
const { release: profile } = await readTreeDescription(join(TREES, 'flatcar.yaml'));
if (!profile) throw new Error('no release');
const { regions, document } = profile.templates;

const listOf = (names: readonly string[]): string =>
  JSON.stringify({ amis: names.map((name, at) => ({ name, pv: null, hvm: `ami-${at}` })) });

describe('the images of the regions', () => {
  it('are taken from the list, in the order of the tree description', () => {
    const parsed = parseRegions(listOf(['zz-1', ...regions]), regions, 'x.json');
    expect(Object.keys(parsed)).toEqual(regions);
    expect(parsed['eu-central-1']).toEqual({ AMI: 'ami-1' });
  });

  it('must all be there: the original wrote null, and AWS refuses such a template', () => {
    const list = JSON.stringify({
      amis: [
        { name: 'a-1', hvm: 'ami-1' },
        { name: 'b-1', hvm: null },
      ],
    });
    expect(() => parseRegions(list, ['a-1', 'b-1', 'c-1'], 'x.json')).toThrow(
      expect.objectContaining({ code: 'RELEASE_REGIONS_MISSING', data: { file: 'x.json', missing: ['b-1', 'c-1'] } }),
    );
  });

  it.each(['', '[]x', '{"amis":5}', '{"amis":[{"hvm":"ami-1"}]}'])('cannot be read from %j', (text) => {
    expect(() => parseRegions(text, [], 'x.json')).toThrow(expect.objectContaining({ code: 'RELEASE_LIST_INVALID' }));
  });
});

describe("the tree's template", () => {
  const empty = load(readFileSync(join(TREES, document), 'utf8'));
  const template = JSON.parse(renderTemplate(empty, parseRegions(listOf(regions), regions, 'x'))) as {
    Mappings: { RegionMap: Record<string, { AMI: string }> };
    Parameters: object;
    Resources: object;
  };

  it('has the 21 regions', () => {
    expect(Object.keys(template.Mappings.RegionMap)).toHaveLength(21);
    expect(template.Mappings.RegionMap['me-south-1']).toEqual({ AMI: 'ami-20' });
  });

  it('refers to nothing that it does not have', () => {
    const text = JSON.stringify(template);
    const known = [...Object.keys(template.Parameters), ...Object.keys(template.Resources), 'Address'];
    const used = [
      ...[...text.matchAll(/"Ref":"([^"]+)"/g)].map(([, name = '']) => name),
      ...[...text.matchAll(/"Fn::GetAtt":\["([^"]+)"/g)].map(([, name = '']) => name),
      ...[...text.matchAll(/\$\{(\w+)\}/g)].map(([, name = '']) => name),
    ];
    expect(used.length).toBeGreaterThan(15);
    expect(used.filter((name) => !known.includes(name) && !name.startsWith('AWS::'))).toEqual([]);
  });

  it.each([
    ['amd64', 'flatcar-alpha-hvm.template'],
    ['arm64', 'flatcar-alpha-arm64-hvm.template'],
  ])('of %s is %s', (arch, file) => {
    const facts = { version: '1.2.3', sdkVersion: '1.2.3', sdkVersionTag: '1.2.3', group: 'alpha' };
    expect(templateFile({ profile, facts }, arch)).toBe(file);
  });
});
