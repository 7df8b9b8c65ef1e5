//! A client like a browser: it keeps cookies, sends form tokens, and follows nothing by itself.

use std::collections::BTreeMap;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use taizhang::access::{self, NewUser, Role, Scope};
use taizhang::platform::{App, Lang};
use taizhang::web::{self, Config};
use tower::ServiceExt;

/// The password of every test user.
pub const PASSWORD: &str = "青山-绿水-长流-42";

/// The product's router over an installation.
#[derive(Clone)]
pub struct TestApp {
    pub app: App,
    router: Router,
}

impl TestApp {
    /// The router with every route of the product.
    pub fn new(app: &App) -> Self {
        let router = web::router(app.clone(), Config::default(), web::all_routes()).unwrap();
        Self { app: app.clone(), router }
    }

    /// Over a router made otherwise.
    pub fn over(app: &App, router: Router) -> Self {
        Self { app: app.clone(), router }
    }

    /// A browser that has not signed in.
    pub fn browser(&self) -> Browser {
        Browser { router: self.router.clone(), cookies: BTreeMap::new(), headers: vec![] }
    }

    /// Makes the user `<role>-<division>` if there is none, and signs in as them.
    pub async fn login(&self, role: Role, division: &str) -> Browser {
        let login = login_of(role, division);
        let new = NewUser {
            login: login.clone(),
            name: format!("{role:?}"),
            unit: "测试单位".to_owned(),
            role,
            division_code: division.to_owned(),
            password: PASSWORD.to_owned(),
            lang: Lang::Zh,
        };
        let known = access::find_user(&self.app.db, &Scope::everything(), &login).await;
        if known.is_err() {
            access::create_user(&self.app, &super::machine(), new).await.unwrap();
        }
        let mut browser = self.browser();
        let reply = browser.sign_in(&login, PASSWORD).await;
        assert_eq!(reply.status, StatusCode::SEE_OTHER, "{}", reply.body);
        browser
    }
}

/// The login of the test user of a role and division.
pub fn login_of(role: Role, division: &str) -> String {
    format!("{}-{division}", role.name().replace('_', "."))
}

/// One browser with its cookies.
#[derive(Clone)]
pub struct Browser {
    router: Router,
    pub cookies: BTreeMap<String, String>,
    headers: Vec<(&'static str, String)>,
}

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Reply {
    /// A header, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Where it sends the browser.
    pub fn location(&self) -> &str {
        self.header("location")
    }

    /// The first form token of the page.
    pub fn csrf(&self) -> String {
        let mark = "name=\"csrf\" value=\"";
        match self.body.split_once(mark) {
            Some((_, rest)) => rest.split('"').next().unwrap().to_owned(),
            None => String::new(),
        }
    }
}

impl Browser {
    /// Sends this header with each request.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    pub async fn get(&mut self, path: &str) -> Reply {
        self.send(Method::GET, path, None, Vec::new()).await
    }

    /// Fetches a page for its token, then posts the form with it.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let token = self.token().await;
        let mut all = vec![("csrf", token.as_str())];
        all.extend_from_slice(fields);
        self.post_raw(path, &all).await
    }

    /// Posts exactly these fields.
    pub async fn post_raw(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let body: Vec<String> =
            fields.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect();
        let kind = "application/x-www-form-urlencoded";
        self.send(Method::POST, path, Some(kind), body.join("&").into_bytes()).await
    }

    /// Posts a file with fields, as a form with `enctype="multipart/form-data"` does.
    pub async fn upload(&mut self, path: &str, fields: &[(&str, &str)], file: (&str, &str, &[u8])) -> Reply {
        let token = self.token().await;
        let mut body = Vec::new();
        let line = "--tz-test-boundary\r\nContent-Disposition: form-data; name=";
        for (name, value) in [("csrf", token.as_str())].iter().chain(fields) {
            body.extend_from_slice(format!("{line}\"{name}\"\r\n\r\n{value}\r\n").as_bytes());
        }
        let (field, name, data) = file;
        let head = format!("{line}\"{field}\"; filename=\"{name}\"\r\nContent-Type: application/octet-stream\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(data);
        body.extend_from_slice(b"\r\n--tz-test-boundary--\r\n");
        let kind = "multipart/form-data; boundary=tz-test-boundary";
        self.send(Method::POST, path, Some(kind), body).await
    }

    /// A form token for this browser.
    pub async fn token(&mut self) -> String {
        if self.cookies.contains_key("tz_session") {
            let token = self.get("/settings/account").await.csrf();
            if !token.is_empty() {
                return token;
            }
            // The session has ended.
        }
        self.get("/login").await.csrf()
    }

    pub async fn sign_in(&mut self, login: &str, password: &str) -> Reply {
        self.post("/login", &[("login", login), ("password", password)]).await
    }

    pub async fn send(&mut self, method: Method, path: &str, kind: Option<&str>, body: Vec<u8>) -> Reply {
        let mut request = Request::builder().method(method).uri(path).header("host", "taizhang.test");
        if let Some(kind) = kind {
            request = request.header("content-type", kind);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        let request = request.body(Body::from(body)).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        for line in parts.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, rest) = line.split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            if value.is_empty() {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let bytes = axum::body::to_bytes(body, 64 << 20).await.unwrap();
        Reply { status: parts.status, headers: parts.headers, body: String::from_utf8_lossy(&bytes).into_owned() }
    }
}

/// Percent-encoding of a form value.
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// Percent-encoding of a path inside a query, as templates do it.
pub fn encode_path(path: &str) -> String {
    path.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}
