import { createHash } from 'node:crypto';
import fs from 'node:fs/promises';
import path from 'node:path';
import { compareText } from './compare.ts';
import type { ImageJob } from './image-job.ts';
import { type LicenceNames, readLicences, toSpdxExpression } from './image-licences.ts';
import type { ImagePackage } from './image-packages.ts';

const systemId = 'SPDXRef-Package-skiff';

function getId({ name, architecture }: ImagePackage): string {
  return `SPDXRef-Package-${name.replaceAll('+', 'p')}-${architecture}`.replaceAll(/[^A-Za-z0-9.-]/g, '-');
}

function getPurl({ name, version, architecture, origin }: ImagePackage): string {
  const distro = origin === 'debian' ? '&distro=debian-12' : '';
  return `pkg:deb/${origin}/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${architecture}${distro}`;
}

async function getLicence(root: string, { name, licence }: ImagePackage, names: LicenceNames): Promise<string> {
  if (licence) return licence;
  const expressions = (await readLicences(root, name)).map((line) => toSpdxExpression(line, names));
  return [...new Set(expressions)].join(' AND ') || 'NOASSERTION';
}

function getSourceInfo({ name, source, sourceVersion, origin }: ImagePackage): string {
  if (origin === 'skiff') return `built from the recipe packages/${name}/recipe.yaml`;
  return `built from the Debian source package ${source} ${sourceVersion ?? ''}`.trimEnd();
}

async function describePackage(job: ImageJob, entry: ImagePackage, names: LicenceNames) {
  const { name, version, origin, sha256 } = entry;
  return {
    SPDXID: getId(entry),
    name,
    versionInfo: version,
    supplier: origin === 'debian' ? 'Organization: Debian' : 'Organization: Skiff',
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    ...(sha256 ? { checksums: [{ algorithm: 'SHA256', checksumValue: sha256 }] } : {}),
    sourceInfo: getSourceInfo(entry),
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: await getLicence(job.root, entry, names),
    copyrightText: 'NOASSERTION',
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: getPurl(entry) }],
  };
}

function describeSystem({ version }: ImageJob) {
  return {
    SPDXID: systemId,
    name: 'skiff',
    versionInfo: version.version,
    supplier: 'Organization: Skiff',
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: 'NOASSERTION',
    copyrightText: 'NOASSERTION',
    primaryPackagePurpose: 'OPERATING_SYSTEM',
  };
}

/** SPDX wants an explanation of every LicenseRef; ours are names in the packages' copyright files. */
function describeLicenceRefs(expressions: string[]) {
  const refs = new Set(expressions.flatMap((expression) => expression.match(/LicenseRef-[A-Za-z0-9.-]+/g) ?? []));
  return [...refs].toSorted(compareText).map((licenseId) => ({
    licenseId,
    name: licenseId.slice('LicenseRef-'.length),
    extractedText: 'See /usr/share/doc/PACKAGE/copyright of the packages that declare it; the files are in the image.',
  }));
}

/**
 * Makes the software bill of materials of the image.
 * @param packages what is in the image
 * @returns text of an SPDX 2.3 document in JSON, the same for the same image
 */
export async function makeSbom(job: ImageJob, packages: ImagePackage[]): Promise<string> {
  const names = YAML.parse(await fs.readFile(path.join(job.assets, 'licences.yaml'), 'utf8')) as LicenceNames;
  const described = await Promise.all(packages.map((entry) => describePackage(job, entry, names)));
  const digest = createHash('sha256').update(JSON.stringify(described)).digest('hex').slice(0, 32);
  const { version } = job.version;
  const relate = (from: string, relationshipType: string, to: string) => ({
    spdxElementId: from,
    relationshipType,
    relatedSpdxElement: to,
  });
  const document = {
    spdxVersion: 'SPDX-2.3',
    dataLicense: 'CC0-1.0',
    SPDXID: 'SPDXRef-DOCUMENT',
    name: `skiff-${version}`,
    documentNamespace: `urn:skiff:sbom:${encodeURIComponent(version)}:${digest}`,
    creationInfo: {
      created: new Date(job.epoch * 1000).toISOString().replace('.000Z', 'Z'),
      creators: ['Tool: skiff-build_image'],
    },
    packages: [describeSystem(job), ...described],
    hasExtractedLicensingInfos: describeLicenceRefs(described.map(({ licenseDeclared }) => licenseDeclared)),
    relationships: [
      relate('SPDXRef-DOCUMENT', 'DESCRIBES', systemId),
      ...described.map(({ SPDXID }) => relate(systemId, 'CONTAINS', SPDXID)),
    ],
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}
