import type { z } from 'zod';
import { devnetSchema } from './roles/devnet';
import { dispatcherSchema } from './roles/dispatcher';
import { gatewaySchema } from './roles/gateway';
import { nodeSchema } from './roles/node';
import { registrarSchema } from './roles/registrar';
import { settlerSchema, watchdogSchema } from './roles/settler';

export const configSchemas = {
    dispatcher: dispatcherSchema,
    settler: settlerSchema,
    watchdog: watchdogSchema,
    registrar: registrarSchema,
    node: nodeSchema,
    gateway: gatewaySchema,
    devnet: devnetSchema,
} as const;

export type Role = keyof typeof configSchemas;
export type RoleConfig<R extends Role> = z.output<(typeof configSchemas)[R]>;
export type DispatcherConfig = RoleConfig<'dispatcher'>;
export type SettlerConfig = RoleConfig<'settler'>;
export type WatchdogConfig = RoleConfig<'watchdog'>;
export type RegistrarConfig = RoleConfig<'registrar'>;
export type NodeConfig = RoleConfig<'node'>;
export type GatewayConfig = RoleConfig<'gateway'>;
export type DevnetConfig = RoleConfig<'devnet'>;
