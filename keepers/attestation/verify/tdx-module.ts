import type { TdBody } from '../parse/bodies';
import type { IsvTcbLevel, TcbInfo, TdxModuleIdentity } from '../parse/signed-json';
import { check, CheckFailure, type CheckCode } from './check-codes';
import { equalUnderMask, levelOf } from './qe-report';

/** Which of a TD 1.5 report's two sets of SVNs is meant: those at launch, or those of the module now running. */
export type SvnSet = 'launch' | 'current';

const codes = {
    launch: { identity: 'tdx_module_identity', level: 'tdx_module_tcb_level' },
    current: { identity: 'current_tdx_module_identity', level: 'current_tdx_module_tcb_level' },
} as const satisfies Record<SvnSet, { identity: CheckCode; level: CheckCode }>;

/** Step 11: the module is one Intel signed. Version 0 (TDX 1.0) has no identity of its own. */
export function checkTdxModule(body: TdBody, info: TcbInfo): void {
    const expected = moduleIdentityOf(body.teeTcbSvn, info, 'launch') ?? info.tdxModule;
    if (expected === undefined) {
        throw new CheckFailure('tdx_module_identity', 'the TCB info describes no TDX module');
    }
    check(
        body.mrSignerSeam.equals(Buffer.from(expected.mrsigner, 'hex')),
        'tdx_module_mrsigner',
        'the TDX module is signed by another key than the TCB info says',
    );
    const asExpected = equalUnderMask(body.seamAttributes, expected.attributes, expected.attributesMask);
    check(
        asExpected && body.seamAttributes.every((byte) => byte === 0),
        'tdx_module_attributes',
        'the attributes of the TDX module are not zero, or not what the TCB info says',
    );
}

/** The identity of the module's major version; null for version 0, a refusal where Intel lists none. */
export function moduleIdentityOf(teeTcbSvn: Buffer, info: TcbInfo, set: SvnSet): TdxModuleIdentity | null {
    const version = teeTcbSvn[1]!;
    if (version === 0) {
        return null;
    }
    const id = `TDX_${version.toString(16).padStart(2, '0').toUpperCase()}`;
    const identity = info.tdxModuleIdentities?.find((item) => item.id.toUpperCase() === id);
    if (identity === undefined) {
        throw new CheckFailure(codes[set].identity, `the TCB info has no identity for the TDX module ${id}`);
    }
    return identity;
}

/** Step 13: the level of the module's minor version; null for version 0, whose SVN the platform level compares. */
export function moduleLevelOf(teeTcbSvn: Buffer, info: TcbInfo, set: SvnSet): IsvTcbLevel | null {
    const identity = moduleIdentityOf(teeTcbSvn, info, set);
    const message = 'the TDX module is older than any level of its identity';
    return identity && levelOf(identity.tcbLevels, teeTcbSvn[0]!, codes[set].level, message);
}
