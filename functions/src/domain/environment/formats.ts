import type { TemplateFormat } from "../../palm/index.ts";
import type { Ctx } from "../context.ts";

type FormatsCtx = Ctx<"environments" | "projects">;

/** A project without an environment may get one: it is looked at again after so long, in ms. */
const NONE_MS = 60_000;

interface Known {
  format: TemplateFormat | null;
  until: number;
}

/** The template formats of projects, kept by the instance: a project's environment, once there, and its format stay. */
export class Formats {
  readonly #ctx: FormatsCtx;
  readonly #size: number;
  /** Oldest first. */
  readonly #known = new Map<string, Known>();

  /** @param size how many projects are kept */
  constructor(ctx: FormatsCtx, size = 10_000) {
    this.#ctx = ctx;
    this.#size = size;
  }

  /** Null where the project has no environment. */
  async of(project_id: string): Promise<TemplateFormat | null> {
    const now = this.#ctx.now().getTime();
    const known = this.#known.get(project_id);
    if (known && now < known.until) return known.format;
    const format = await this.#read(project_id);
    this.#known.delete(project_id);
    this.#known.set(project_id, { format, until: format ? Infinity : now + NONE_MS });
    const [oldest] = this.#known.keys();
    if (this.#known.size > this.#size && oldest !== undefined) this.#known.delete(oldest);
    return format;
  }

  async #read(project_id: string): Promise<TemplateFormat | null> {
    const id = (await this.#ctx.projects.get(project_id))?.value.environment_id;
    const environment = id ? await this.#ctx.environments.get(id) : undefined;
    return environment?.value.template_format ?? null;
  }
}
