import { Hono } from 'hono';
type Bound = {
    Bindings: Pick<Env, 'DB' | 'BUCKET' | 'TOKENS'>;
};
declare const app: Hono<Bound, import("hono/types").BlankSchema, "/">;
export default app;
