export const productLines = ['Milan', 'Genoa', 'Turin'] as const;
export type ProductLine = (typeof productLines)[number];

export interface Product {
    line: ProductLine;
    /** Names in the product extension of certificates, before the stepping: products of a line share its root. */
    names: readonly string[];
    /** CPUID family, and ranges of models. */
    family: number;
    models: readonly (readonly [from: number, to: number])[];
    /** Bytes of the chip id that mean something; the rest of the report's 64 are zero. */
    chipIdLength: 8 | 64;
    /** SHA-256 of the root's SubjectPublicKeyInfo, as AMD publishes the root at kdsintf.amd.com. */
    rootKeyHash: string;
}

/** AMD's product lines that have SEV-SNP, each with a root key (ARK) of its own. */
export const products: Record<ProductLine, Product> = {
    Milan: {
        line: 'Milan',
        names: ['Milan'],
        family: 0x19,
        models: [[0x00, 0x0f]],
        chipIdLength: 64,
        rootKeyHash: '9f056bee44377e29308cb5ffa895bdfb62d18881fa6bed8d6f075b0204089cb9',
    },
    Genoa: {
        line: 'Genoa',
        names: ['Genoa', 'Bergamo', 'Siena'],
        family: 0x19,
        models: [
            [0x10, 0x1f],
            [0xa0, 0xaf],
        ],
        chipIdLength: 64,
        rootKeyHash: '429a69c9422aa258ee4d8db5fcda9c6470ef15f8cd5a9cebd6cbc7d90b863831',
    },
    Turin: {
        line: 'Turin',
        names: ['Turin'],
        family: 0x1a,
        models: [[0x00, 0x1f]],
        chipIdLength: 8,
        rootKeyHash: '4f125410563a2ab9a50356f9243f6fe0b6f73de98603f53f90339c70e9d7ad08',
    },
};

export const rootNameOf = ({ line }: Product): string => `ARK-${line}`;
export const authorityNameOf = ({ line }: Product, key: 'vcek' | 'vlek'): string =>
    key === 'vcek' ? `SEV-${line}` : `SEV-VLEK-${line}`;
export const leafName = { vcek: 'SEV-VCEK', vlek: 'SEV-VLEK' } as const;

export function isCpuOf({ family, models }: Product, cpu: { family: number; model: number }): boolean {
    return cpu.family === family && models.some(([from, to]) => from <= cpu.model && cpu.model <= to);
}

/** "Milan-B0", or "Milan" in certificates of VLEKs. */
export function isNameOf({ names }: Product, productName: string): boolean {
    return names.includes(productName.split('-')[0]!);
}
