// A front end's calls with the types that openapi-typescript makes of the document: they compile, and are true at run time.
import createClient from "openapi-fetch";

import type { components, paths } from "./api.js";

type User = components["schemas"]["User"];
type ChatSession = components["schemas"]["ChatSession"];

declare const process: { env: Record<string, string> };

const api = createClient<paths>({ baseUrl: process.env["ORIGIN"]! });

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

async function createUser(name: string, email: string): Promise<User> {
  const header = { "Idempotency-Key": `create-${email}` };
  const { data, error } = await api.POST("/api/users", { body: { name, email, role: "user" }, params: { header } });
  if (error) throw new Error(error.details.message);
  const again = await api.POST("/api/users", { body: { name, email, role: "user" }, params: { header } });
  check(again.data?.id === data.id, "the key makes it one change");
  return data;
}

async function renameUser(id: string): Promise<void> {
  const read = await api.GET("/api/users/{id}", { params: { path: { id } } });
  const header = { "If-Match": read.response.headers.get("ETag")! };
  const first = await api.PUT("/api/users/{id}", { params: { path: { id }, header }, body: { name: "Augusta", id } });
  check(first.data?.name === "Augusta", "it has not changed before");
  const second = await api.PUT("/api/users/{id}", { params: { path: { id }, header }, body: { name: "Ada" } });
  check(second.error?.code === "PRECONDITION_FAILED", "it has changed meanwhile");
}

async function createSession(title: string): Promise<ChatSession> {
  const header = { "Unique-Reference-Code": "urc-types", "x-user-id": "types" };
  const headers = { "x-api-key": process.env["API_KEY"]! };
  const { data, error } = await api.POST("/chats-service/api/v1/chats", { body: { title }, params: { header }, headers });
  if (error) throw new Error(error.details.message);
  check(data.metadata.requestId === "urc-types", "the code names the call");
  return data.data;
}

async function fail(): Promise<string> {
  const { error } = await api.GET("/api/error", { params: { query: { status: 503 } } });
  return error?.code ?? "";
}

const user = await createUser("Ada", "ada.types@example.com");
await renameUser(user.id);
const session = await createSession("Types");
check(session.isFavorite === false, "a session starts without the mark");
check((await fail()) === "SERVER_ERROR", "an error has a code");
console.log("done");
