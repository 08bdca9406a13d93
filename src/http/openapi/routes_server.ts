import * as z from "zod";
import { METRICS_TYPE } from "../prometheus.ts";
import { answers200 } from "./answers.ts";
import type { RouteDescription } from "./route.ts";
import { GPUS, STATUS_REPORT } from "./schemas_library.ts";

const DOCUMENT = z.looseObject({ openapi: z.string() });

/** How the server is, and what it answers. */
export const SERVER_ROUTES: readonly RouteDescription[] = [
  {
    method: "get",
    path: "/api/status",
    part: "Server",
    summary: "How the server is: images, memory, caches, stalls",
    answers: [answers200("Figures", STATUS_REPORT)],
  },
  {
    method: "post",
    path: "/api/gpu",
    part: "Server",
    summary: "Finds devices that can compute, once",
    answers: [answers200("Devices, the most able first", GPUS)],
    problems: [503],
  },
  {
    method: "get",
    path: "/api/openapi.json",
    part: "Server",
    summary: "This description, for programs",
    answers: [answers200("An OpenAPI document", DOCUMENT)],
  },
  {
    method: "get",
    path: "/api/docs",
    part: "Server",
    summary: "This description, for people",
    answers: [{ status: 200, description: "A page", contentType: "text/html" }],
  },
  {
    method: "get",
    path: "/healthz",
    part: "Server",
    summary: "Whether the process answers",
    answers: [answers200("It does", z.strictObject({ status: z.literal("ok") }))],
  },
  {
    method: "get",
    path: "/readyz",
    part: "Server",
    summary: "Whether the library is loaded",
    answers: [
      answers200("It is", z.strictObject({ status: z.literal("ready") })),
      {
        status: 503,
        description: "Not yet",
        schema: z.strictObject({ status: z.literal("loading") }),
      },
    ],
  },
  {
    method: "get",
    path: "/metrics",
    part: "Server",
    summary: "Figures for Prometheus",
    answers: [{
      status: 200,
      description: "Text format",
      contentType: METRICS_TYPE.split(";")[0],
    }],
  },
];
