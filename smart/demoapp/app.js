"use strict"
// What every SMART app does, without a library: discover, authorize with PKCE, exchange the code, read.
const clientId = "demo-app"
const scope = "openid fhirUser patient/Patient.rs patient/Observation.rs"
const here = location.origin + location.pathname.replace(/\/$/, "")
const ownFHIR = here.replace(/\/demo$/, "/fhir")
const element = id => document.getElementById(id)
const say = text => { element("status").textContent = text }

const base64url = bytes => btoa(String.fromCharCode(...new Uint8Array(bytes))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "")
const random = () => base64url(crypto.getRandomValues(new Uint8Array(32)))

async function get(url, token) {
  const headers = { Accept: "application/fhir+json, application/json" }
  if (token) headers.Authorization = "Bearer " + token
  const response = await fetch(url, { headers })
  if (!response.ok) throw new Error(`${response.status} for ${new URL(url, here).pathname}`)
  return response.json()
}

// A launch by an EHR comes with "iss" and "launch"; by itself the app launches at the server that it came from, and at no other.
async function authorize(launch) {
  const config = await get(ownFHIR + "/.well-known/smart-configuration")
  const verifier = random(), state = random()
  sessionStorage.setItem(state, JSON.stringify({ verifier, token: config.token_endpoint }))
  const challenge = base64url(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier)))
  const query = new URLSearchParams({
    response_type: "code", client_id: clientId, redirect_uri: here, aud: ownFHIR, state,
    scope: scope + (launch ? " launch" : " launch/patient"), code_challenge: challenge, code_challenge_method: "S256",
  })
  if (launch) query.set("launch", launch)
  location.assign(config.authorization_endpoint + "?" + query)
}

async function exchange(params) {
  const kept = JSON.parse(sessionStorage.getItem(params.get("state")) || "null")
  if (!kept) throw new Error("this answer belongs to no question of this tab")
  sessionStorage.removeItem(params.get("state"))
  history.replaceState(null, "", here)
  const response = await fetch(kept.token, {
    method: "POST",
    body: new URLSearchParams({ grant_type: "authorization_code", code: params.get("code"), redirect_uri: here, client_id: clientId, code_verifier: kept.verifier }),
  })
  const answer = await response.json()
  if (!response.ok) throw new Error(answer.error_description || answer.error)
  return answer
}

async function show({ access_token: token, patient: id }) {
  const patient = await get(`${ownFHIR}/Patient/${encodeURIComponent(id)}`, token)
  const name = (patient.name || [{}])[0]
  element("title").textContent = name.text || [...(name.given || []), name.family].join(" ") || id
  say(`born ${patient.birthDate || "?"}`)
  const found = await get(`${ownFHIR}/Observation?patient=${encodeURIComponent(id)}&_sort=-date&_count=15`, token)
  const table = element("observations")
  let day, rows
  for (const { resource } of (found.entry || []).filter(e => e.search.mode === "match")) {
    const when = (resource.effectiveDateTime || "").slice(0, 10) || "at an unknown time"
    if (when !== day) rows = begin(table, day = when)
    const row = rows.insertRow()
    for (const text of [title(resource.code), value(resource)]) row.insertCell().textContent = text
  }
  table.hidden = !day
  if (!day) say(`${element("status").textContent}; there are no observations`)
}

// begin adds the rows of a day, below its name.
function begin(table, day) {
  const rows = table.createTBody()
  const heading = document.createElement("th")
  Object.assign(heading, { colSpan: 2, scope: "rowgroup", textContent: day })
  rows.insertRow().append(heading)
  return rows
}

const title = concept => concept.text || (concept.coding || [{}])[0].display || (concept.coding || [{}])[0].code || ""
const amount = q => `${q.value} ${q.unit || q.code || ""}`
function value(o) {
  if (o.valueQuantity) return amount(o.valueQuantity)
  if (o.valueCodeableConcept) return title(o.valueCodeableConcept)
  return (o.component || []).map(c => `${title(c.code)} ${c.valueQuantity ? amount(c.valueQuantity) : ""}`).join(", ") || o.valueString || ""
}

const attempt = work => work().catch(e => say("That did not work: " + e.message))
const params = new URLSearchParams(location.search)
element("connect").addEventListener("click", () => attempt(() => authorize()))
if (params.get("error")) {
  say("No access: " + (params.get("error_description") || params.get("error")))
} else if (params.get("code")) {
  element("connect").textContent = "Connect to another record"
  attempt(async () => show(await exchange(params)))
} else if (params.get("launch")) {
  attempt(() => params.get("iss") === ownFHIR ? authorize(params.get("launch")) : Promise.reject(new Error("this app is for " + ownFHIR)))
}
