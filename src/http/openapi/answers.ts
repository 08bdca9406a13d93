import type * as z from "zod";
import type { Answer } from "./route.ts";
import { TASK } from "./schemas.ts";

/** 200 with a JSON body. */
export function answers200(description: string, schema: z.ZodType): Answer {
  return { status: 200, description, schema };
}

/** 202 with a task. */
export const STARTS_TASK: Answer = {
  status: 202,
  description: "The task that does it",
  schema: TASK,
  headers: { Location: "Where to follow the task" },
};
