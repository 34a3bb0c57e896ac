import { Address, beginCell, Cell } from '@ton/core';
import { storeAcknowledgeCharge, storeCharge, storeCharged } from '../../build/Escrow/Escrow_Escrow';
import { storeAdmitNode } from '../../build/Payout/Payout_Payout';
import { storeRecordKey } from '../../build/Provider/Provider_Provider';
import { actor } from './actors';

const somewhere = new Address(0, Buffer.alloc(32, 0xdd));
const excesses = 0xd53276db;

/** Garbage, and what only contracts say to each other, well formed but from somebody else. */
const forms: readonly (() => Cell)[] = [
    () => Cell.EMPTY,
    () => beginCell().storeUint(0, 32).endCell(),
    () => beginCell().storeUint(0xdeadbeef, 32).storeUint(7, 64).endCell(),
    () => beginCell().storeUint(0xc0c00201, 32).storeUint(7, 20).endCell(),
    () => beginCell().storeUint(excesses, 32).storeUint(0, 64).endCell(),
    () =>
        beginCell()
            .store(
                storeCharge({
                    $$type: 'Charge',
                    ...settlement(),
                    epoch: 1n,
                    lineMask: 1n,
                    lines: line(),
                    context: Cell.EMPTY,
                }),
            )
            .endCell(),
    () =>
        beginCell()
            .store(
                storeCharged({
                    $$type: 'Charged',
                    ...settlement(),
                    ...charge(),
                    amounts: amounts(),
                    context: owners(),
                }),
            )
            .endCell(),
    () =>
        beginCell()
            .store(storeAcknowledgeCharge({ $$type: 'AcknowledgeCharge', queryId: 1n }))
            .endCell(),
    () =>
        beginCell()
            .store(
                storeAdmitNode({ $$type: 'AdmitNode', ...admission(), revokedAt: 0n, responseTo: actor('stranger') }),
            )
            .endCell(),
    () =>
        beginCell()
            .store(
                storeRecordKey({
                    $$type: 'RecordKey',
                    ...record(),
                    responseTo: actor('stranger'),
                    authorization: Cell.EMPTY,
                }),
            )
            .endCell(),
];

export function foreignBody(form: number): Cell {
    return forms[form % forms.length]!();
}

function settlement() {
    return { queryId: 1n, settler: actor('stranger') };
}

function charge() {
    return { client: somewhere, index: 0n, total: 1_000_000_000n };
}

function admission() {
    return { queryId: 1n, ticket: 1n, owner: actor('owner 0'), nodeKey: 5n, suite: 1n, notAfter: 4_000_000_000n };
}

function record() {
    const ids = { bundleHash: 1n, imageId: 2n, modelRoot: 3n, platformId: 4n };
    return { queryId: 1n, ticket: 1n, nodeKey: 5n, suite: 1n, notAfter: 4_000_000_000n, minBond: 0n, ...ids };
}

function line(): Cell {
    return beginCell().storeUint(1, 256).storeUint(1, 256).endCell();
}

function amounts(): Cell {
    return beginCell().storeUint(1_000_000_000, 64).endCell();
}

function owners(): Cell {
    return beginCell().storeUint(1, 32).endCell();
}
