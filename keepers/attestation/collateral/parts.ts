import { z } from 'zod';
import type { Collateral } from '../collateral-shape';
import { parseCrl } from '../parse/crl';
import { parseHex } from '../parse/pem';

/** Which collateral some evidence needs. */
export interface CollateralNeeds {
    tee: 'tdx' | 'sgx';
    authority: 'platform' | 'processor';
    /** 6 bytes, lower-case hex. */
    fmspc: string;
}

export type PartKind = 'rootCrl' | 'pckCrl' | 'tcbInfo' | 'qeIdentity';

/** One answer of the service: the keys of the collateral that it fills, and when it goes out of force. */
export interface CollateralPart {
    texts: Partial<Collateral>;
    fetchedAtMs: number;
    expiresAtMs: number;
}

/** Names of the four parts in a cache; machines of a family share them. */
export function partNames({ tee, authority, fmspc }: CollateralNeeds): Record<PartKind, string> {
    return {
        rootCrl: 'root-crl',
        pckCrl: `pck-crl/${authority}`,
        tcbInfo: `tcb-info/${tee}/${fmspc}`,
        qeIdentity: `qe-identity/${tee}`,
    };
}

export const partKeys = {
    rootCrl: ['root_ca_crl'],
    pckCrl: ['pck_crl', 'pck_crl_issuer_chain'],
    tcbInfo: ['tcb_info', 'tcb_info_signature', 'tcb_info_issuer_chain'],
    qeIdentity: ['qe_identity', 'qe_identity_signature', 'qe_identity_issuer_chain'],
} as const satisfies Record<PartKind, (keyof Collateral)[]>;

const dated = z.object({ nextUpdate: z.iso.datetime() });

/** When a part goes out of force, from its own text. Throws where it has no such date. */
export function expiryOf(kind: PartKind, texts: Partial<Collateral>): number {
    switch (kind) {
        case 'rootCrl':
            return parseCrl(parseHex(texts.root_ca_crl ?? '')).nextUpdate;
        case 'pckCrl':
            return parseCrl(parseHex(texts.pck_crl ?? '')).nextUpdate;
        case 'tcbInfo':
            return Date.parse(dated.parse(JSON.parse(texts.tcb_info ?? '')).nextUpdate);
        case 'qeIdentity':
            return Date.parse(dated.parse(JSON.parse(texts.qe_identity ?? '')).nextUpdate);
    }
}
