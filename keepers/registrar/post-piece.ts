import type { OpenedContract, Sender } from '@ton/core';
import type { Collateral } from '../attestation';
import type { QuoteVerifier } from '../../wrappers';
import type { PieceKind } from './pieces';

/** Sends one piece of a set to the contract. @throws QuotePackError where it can't even be packed */
export function postPiece(
    verifier: OpenedContract<QuoteVerifier>,
    via: Sender,
    kind: PieceKind,
    collateral: Collateral,
): Promise<void> {
    const issuerChain = collateral.pck_crl_issuer_chain;
    switch (kind) {
        case 'root revocation list':
            return verifier.sendPostRootRevocationList(via, { list: collateral.root_ca_crl, issuerChain });
        case 'pck revocation list':
            return verifier.sendPostPckRevocationList(via, { list: collateral.pck_crl, issuerChain });
        case 'tcb info':
            return verifier.sendPostTcbInfo(via, {
                text: collateral.tcb_info,
                signature: collateral.tcb_info_signature,
                issuerChain: collateral.tcb_info_issuer_chain,
            });
        case 'qe identity':
            return verifier.sendPostQeIdentity(via, {
                text: collateral.qe_identity,
                signature: collateral.qe_identity_signature,
                issuerChain: collateral.qe_identity_issuer_chain,
            });
    }
}
