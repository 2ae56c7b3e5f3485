//! One parser per kind of value. Each error says what is wrong and what would be right.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::net::UdpSocket;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use sofw_core::base::Transport;
use sofw_core::config::{Proxy, SipListener, SiteKey, TunnelVia};
use sofw_core::io::Endpoint;

/// `udp:203.0.113.5:5060` or `tcp:[2001:db8::1]:5060`.
pub fn sip_listener(text: &str) -> Result<SipListener, String> {
    let form = "must look like \"udp:203.0.113.5:5060\" or \"tcp:203.0.113.5:5060\"";
    let (transport, addr) = match text.split_once(':') {
        Some(("udp", addr)) => (Transport::Udp, addr),
        Some(("tcp", addr)) => (Transport::Tcp, addr),
        Some(("tls", _)) => return Err("TLS listeners for SIP do not exist yet; use udp: or tcp:".to_owned()),
        _ => return Err(format!("{form}, not {text:?}")),
    };
    let addr = socket_addr(addr).map_err(|_| format!("{form}, not {text:?}"))?;
    if addr.ip().is_unspecified() {
        // The address also goes into Via and Record-Route, where "any" means nothing.
        let here = detect_local_ip(None).map(|ip| SocketAddr::new(ip, addr.port()).to_string());
        let try_this = here.unwrap_or_else(|| format!("192.0.2.1:{}", addr.port()));
        return Err(format!(
            "{text:?} names no address that phones could be told; write this host's, e.g. \"{transport}:{try_this}\""
        ));
    }
    Ok(SipListener { transport, addr })
}

/// `http:203.0.113.5:80`.
pub fn tunnel_listener(text: &str) -> Result<SocketAddr, String> {
    let form = "must look like \"http:203.0.113.5:80\"";
    match text.split_once(':') {
        Some(("http", addr)) => socket_addr(addr).map_err(|_| format!("{form}, not {text:?}")),
        Some(("https", _)) => {
            Err("HTTPS listeners do not exist yet; use http: (the tunnel is sealed in itself)".to_owned())
        }
        _ => Err(format!("{form}, not {text:?}")),
    }
}

/// An address and port that may be listened on.
pub fn socket_addr(text: &str) -> Result<SocketAddr, String> {
    match text.parse::<SocketAddr>() {
        Ok(addr) if addr.port() != 0 => Ok(addr),
        Ok(_) => Err("port 0 cannot be listened on".to_owned()),
        Err(_) => Err(format!("must be an IP address and a port, e.g. \"127.0.0.1:9060\", not {text:?}")),
    }
}

/// An address that can be told to others.
pub fn told_ip(text: &str) -> Result<IpAddr, String> {
    let ip = any_ip(text)?;
    if ip.is_unspecified() || ip.is_multicast() {
        let here = detect_local_ip(None).map_or_else(|| "192.0.2.1".to_owned(), |ip| ip.to_string());
        return Err(format!(
            "{text:?} cannot stand in SDP; write the address that peers send to, e.g. \"{here}\""
        ));
    }
    Ok(ip)
}

/// An address.
pub fn any_ip(text: &str) -> Result<IpAddr, String> {
    text.parse().map_err(|_| format!("must be an IP address, not {text:?}"))
}

/// `20000-29999`: first even, last odd.
pub fn port_range(text: &str) -> Result<(u16, u16), String> {
    let form = || format!("must look like \"20000-29999\", not {text:?}");
    let (first, last) = text.split_once('-').ok_or_else(form)?;
    let first: u16 = first.trim().parse().map_err(|_| form())?;
    let last: u16 = last.trim().parse().map_err(|_| form())?;
    if first == 0 || first >= last {
        Err(format!("{text:?} is not a range: the first port must be at least 1 and less than the last"))
    } else if first % 2 != 0 {
        Err(format!("must begin with an even port (RTP even, RTCP odd), e.g. \"{}-{last}\"", first + 1))
    } else if last % 2 == 0 {
        Err(format!("must end with an odd port (RTP even, RTCP odd), e.g. \"{first}-{}\"", last - 1))
    } else {
        Ok((first, last))
    }
}

/// 32 bytes in base64, ordinary or URL-safe, padded or not.
pub fn site_key(text: &str) -> Result<SiteKey, String> {
    let engines = [&STANDARD, &STANDARD_NO_PAD, &URL_SAFE, &URL_SAFE_NO_PAD];
    let bytes = engines.iter().find_map(|engine| engine.decode(text.trim()).ok());
    let bytes = bytes.ok_or("is not base64; a new key: head -c 32 /dev/urandom | base64")?;
    let len = bytes.len();
    let key: [u8; 32] = bytes.try_into().map_err(|_| {
        format!("must be base64 of 32 bytes, these are {len}; a new key: head -c 32 /dev/urandom | base64")
    })?;
    if key == [0; 32] {
        return Err("is all zeroes; a new key: head -c 32 /dev/urandom | base64".to_owned());
    }
    Ok(SiteKey(key))
}

/// A site's name: it stands in URIs and in the pairing link.
pub fn site_name(text: &str) -> Result<String, String> {
    let valid = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    if text.is_empty() || text.len() > 63 || !text.chars().all(valid) {
        return Err(format!("must be 1 to 63 letters, digits, dots, dashes or underscores, not {text:?}"));
    }
    Ok(text.to_owned())
}

/// The user part of an address-of-record (RFC 3261 §25.1, without escapes).
pub fn user_name(text: &str) -> Result<String, String> {
    let valid = |c: char| c.is_ascii_alphanumeric() || "-_.!~*'()&=+$,;?/".contains(c);
    if text.is_empty() || text.len() > 64 || !text.chars().all(valid) {
        return Err(format!(
            "must be the part before the @ of a SIP address, 1 to 64 plain characters, not {text:?}"
        ));
    }
    Ok(text.to_owned())
}

/// A domain: host name or address.
pub fn domain(text: &str) -> Result<String, String> {
    let bare = text.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(text);
    let label = |l: &str| {
        !l.is_empty() && l.len() <= 63 && l.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    if bare.parse::<IpAddr>().is_ok()
        || (text.len() <= 253 && text.trim_end_matches('.').split('.').all(label))
    {
        return Ok(text.trim_end_matches('.').to_ascii_lowercase());
    }
    Err(format!("must be a host name such as \"example.net\" or an address, not {text:?}"))
}

/// A password that can be part of a digest.
pub fn password(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("must not be empty".to_owned()) } else { Ok(text.to_owned()) }
}

/// `digits` lower-case hexadecimal digits.
pub fn hash(text: &str, digits: usize) -> Result<String, String> {
    if text.len() == digits && text.chars().all(|c| c.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(format!("must be {digits} hexadecimal digits, as `sofw user` prints them"))
}

/// `http://host[:port]`: where HRAS is, and what goes into Host.
pub fn server(text: &str) -> Result<(Endpoint, String), String> {
    let url = Url::parse(text, "http://203.0.113.5")?;
    if url.credentials.is_some() {
        return Err("must have no name and password; the key is what opens the tunnel".to_owned());
    }
    let port = url.port.unwrap_or(80);
    let authority = if port == 80 { url.host.clone() } else { format!("{}:{port}", url.host) };
    Ok((url.endpoint(80), authority))
}

/// `http://name:password@host:port`.
pub fn proxy(text: &str) -> Result<Proxy, String> {
    let url = Url::parse(text, "http://10.10.10.3:3128")?;
    Ok(Proxy { endpoint: url.endpoint(3128), credentials: url.credentials })
}

/// `direct` or a proxy, by CONNECT or in absolute form.
pub fn via(text: &str, connect: bool) -> Result<TunnelVia, String> {
    match text {
        "direct" => Ok(TunnelVia::Direct),
        text if connect => proxy(text).map(TunnelVia::Connect),
        text => proxy(text).map(TunnelVia::Forward),
    }
}

/// This host's address that reaches `towards`, or the rest of the world. Nothing is sent: connecting a datagram socket
/// only asks the routing table.
pub fn detect_local_ip(towards: Option<SocketAddr>) -> Option<IpAddr> {
    // RFC 5737 and RFC 3849: addresses that nobody has, routed as any other.
    let v4 = SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 9));
    let v6 = SocketAddr::from((Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), 9));
    let targets = towards.map_or_else(|| vec![v4, v6], |target| vec![target]);
    targets.into_iter().find_map(|target| {
        let any: IpAddr =
            if target.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((any, 0)).ok()?;
        socket.connect(target).ok()?;
        Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_unspecified())
    })
}

struct Url {
    host: String,
    port: Option<u16>,
    credentials: Option<(String, String)>,
}

impl Url {
    fn parse(text: &str, example: &str) -> Result<Url, String> {
        let wrong = || format!("must look like \"{example}\", not {text:?}");
        let rest = match text.split_once("://") {
            Some(("http", rest)) => rest,
            Some(("https", _)) => {
                return Err("https does not exist yet; use http (the tunnel is sealed in itself)".to_owned());
            }
            _ => return Err(wrong()),
        };
        let authority = rest.strip_suffix('/').unwrap_or(rest);
        if authority.contains(['/', '?', '#']) {
            return Err(format!("must end after host and port, as in \"{example}\""));
        }
        let (credentials, place) = match authority.rsplit_once('@') {
            Some((who, place)) => (Some(credentials(who).ok_or_else(wrong)?), place),
            None => (None, authority),
        };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => {
                (host, Some(port.parse().ok().filter(|port| *port != 0).ok_or_else(wrong)?))
            }
            _ => (place, None),
        };
        let v6 = host.strip_prefix('[').and_then(|h| h.strip_suffix(']'));
        let valid = match v6 {
            Some(v6) => v6.parse::<Ipv6Addr>().is_ok(),
            None => domain(host).is_ok() && !host.contains(['[', ']', ':']),
        };
        if valid { Ok(Url { host: host.to_owned(), port, credentials }) } else { Err(wrong()) }
    }

    fn endpoint(&self, default_port: u16) -> Endpoint {
        let port = self.port.unwrap_or(default_port);
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        match bare.parse::<IpAddr>() {
            Ok(ip) => Endpoint::Addr(SocketAddr::new(ip, port)),
            Err(_) => Endpoint::Name(bare.to_owned(), port),
        }
    }
}

fn credentials(text: &str) -> Option<(String, String)> {
    let (name, password) = text.split_once(':').unwrap_or((text, ""));
    Some((percent_decoded(name)?, percent_decoded(password)?))
}

/// RFC 3986 §2.1.
fn percent_decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                (high * 16 + low) as u8
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}
