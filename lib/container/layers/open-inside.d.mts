export declare function openInside(folder: string): (name: string | Buffer, sizeBytes: number) => number;
