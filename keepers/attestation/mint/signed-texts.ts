import type { PlatformFacts } from '../parse/sgx-extension';
import type { QeIdentity, TcbInfo, TcbStatus } from '../parse/signed-json';

export type Tee = 'tdx' | 'sgx';

/** What the texts Intel signs should say. */
export interface TextOptions {
    tee: Tee;
    issueDate: Date;
    nextUpdate: Date;
    evaluationNumber: number;
    /** Status and advisories of the level that the platform, the module and the quoting enclave reach by default. */
    platformStatus: TcbStatus;
    moduleStatus: TcbStatus;
    qeStatus: TcbStatus;
    advisoryIds: string[];
}

const levelDate = '2025-05-14T00:00:00Z';
const oldLevelDate = '2023-08-09T00:00:00Z';
const oldAdvisories = ['INTEL-SA-01036', 'INTEL-SA-01099'];
const noSigner = '0'.repeat(96);
const moduleIdentity = { mrsigner: noSigner, attributes: '0000000000000000', attributesMask: 'FFFFFFFFFFFFFFFF' };

/** Intel writes dates to the second. */
function isoSeconds(date: Date): string {
    return date.toISOString().replace(/\.\d{3}Z$/, 'Z');
}

function svns(...values: number[]): { svn: number }[] {
    return Array.from({ length: 16 }, (_, i) => ({ svn: values[i] ?? 0 }));
}

/** TCB info as Intel's, keys in Intel's order: one level the platform reaches, one it has outgrown. */
export function tcbInfoOf(facts: PlatformFacts, options: TextOptions): TcbInfo {
    const isTdx = options.tee === 'tdx';
    const { advisoryIds } = options;
    return {
        id: isTdx ? 'TDX' : 'SGX',
        version: 3,
        issueDate: isoSeconds(options.issueDate),
        nextUpdate: isoSeconds(options.nextUpdate),
        fmspc: facts.fmspc.toString('hex').toUpperCase(),
        pceId: facts.pceId.toString('hex').toUpperCase(),
        tcbType: 0,
        tcbEvaluationDataNumber: options.evaluationNumber,
        ...(isTdx && { tdxModule: moduleIdentity, tdxModuleIdentities: moduleIdentities(options.moduleStatus) }),
        tcbLevels: [
            {
                tcb: {
                    sgxtcbcomponents: svns(3, 3, 2, 2, 4, 1, 0, 5),
                    pcesvn: 13,
                    ...(isTdx && { tdxtcbcomponents: svns(5, 0, 3) }),
                },
                tcbDate: levelDate,
                tcbStatus: options.platformStatus,
                ...(advisoryIds.length > 0 && { advisoryIDs: advisoryIds }),
            },
            {
                tcb: {
                    sgxtcbcomponents: svns(2, 2, 2, 2, 3, 1, 0, 5),
                    pcesvn: 5,
                    ...(isTdx && { tdxtcbcomponents: svns(5, 0, 2) }),
                },
                tcbDate: oldLevelDate,
                tcbStatus: 'OutOfDate',
                advisoryIDs: oldAdvisories,
            },
        ],
    };
}

function moduleIdentities(status: TcbStatus): TcbInfo['tdxModuleIdentities'] {
    const current = (isvsvn: number) => ({ tcb: { isvsvn }, tcbDate: levelDate, tcbStatus: status });
    const old = {
        tcb: { isvsvn: 4 },
        tcbDate: oldLevelDate,
        tcbStatus: 'OutOfDate' as const,
        advisoryIDs: oldAdvisories,
    };
    return [
        { id: 'TDX_03', ...moduleIdentity, tcbLevels: [current(3)] },
        { id: 'TDX_01', ...moduleIdentity, tcbLevels: [current(6), old] },
    ];
}

/** Signers and product ids of Intel's two quoting enclaves. */
export const quotingEnclave = {
    tdx: {
        id: 'TD_QE',
        mrSigner: 'DC9E2A7C6F948F17474E34A7FC43ED030F7C1563F1BABDDF6340C82E0E54A8C5',
        prodId: 2,
        isvSvn: 7,
    },
    sgx: {
        id: 'QE',
        mrSigner: '8C4F5775D796503E96137F77C68A829A0056AC8DED70140B081B094490C57BFF',
        prodId: 1,
        isvSvn: 10,
    },
} as const;

export function qeIdentityOf(options: TextOptions): QeIdentity {
    const { id, mrSigner, prodId } = quotingEnclave[options.tee];
    return {
        id,
        version: 2,
        issueDate: isoSeconds(options.issueDate),
        nextUpdate: isoSeconds(options.nextUpdate),
        tcbEvaluationDataNumber: options.evaluationNumber,
        miscselect: '00000000',
        miscselectMask: 'FFFFFFFF',
        attributes: '11000000000000000000000000000000',
        attributesMask: 'FBFFFFFFFFFFFFFF0000000000000000',
        mrsigner: mrSigner,
        isvprodid: prodId,
        tcbLevels: [{ tcb: { isvsvn: 4 }, tcbDate: levelDate, tcbStatus: options.qeStatus }],
    };
}
