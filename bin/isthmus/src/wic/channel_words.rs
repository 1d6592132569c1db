//! Data channels in words: on the command line, in commands and in events.

use nf_wic::{
    AppEndpoint, Channel, ChannelApplication, ChannelId, ChannelRule, DataChannelInit, Priority,
    Reliability,
};
use serde_json::{Value, json};

use super::files;

/// The channel that lines of the command line are said on.
pub(super) fn chat() -> DataChannelInit {
    DataChannelInit {
        channel: Channel::new("chat"),
        ..DataChannelInit::default()
    }
}

/// The channel that files go into.
pub(super) fn for_files() -> DataChannelInit {
    DataChannelInit {
        channel: Channel {
            protocol: files::PROTOCOL.into(),
            ..Channel::new("files")
        },
        ..DataChannelInit::default()
    }
}

/// What a channel is, for an event.
pub(super) fn describe(channel: &Channel) -> Value {
    let mut more = json!({
        "label": channel.label,
        "protocol": channel.protocol,
        "ordered": channel.ordered,
    });
    match channel.reliability {
        Reliability::Reliable => {}
        Reliability::MaxRetransmits(times) => more["max_retransmits"] = json!(times),
        Reliability::MaxLifetime(time) => more["max_lifetime_ms"] = json!(time),
    }
    if channel.priority != Priority::NORMAL {
        more["priority"] = json!(channel.priority.0);
    }
    more
}

/// A channel on the command line, or in a command: `LABEL[,protocol=P][,unordered]…`.
pub(super) fn channel(spec: &str) -> Result<DataChannelInit, String> {
    let mut parts = spec.split(',');
    let mut endpoint = None;
    let mut init = DataChannelInit {
        channel: Channel::new(parts.next().unwrap_or_default()),
        ..DataChannelInit::default()
    };
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let bad = || format!("«{part}» says nothing of a channel");
        let number = || value.parse::<u32>().map_err(|_| bad());
        let small = || value.parse::<u16>().map_err(|_| bad());
        let channel = &mut init.channel;
        match name {
            "protocol" => value.clone_into(&mut channel.protocol),
            "unordered" if value.is_empty() => channel.ordered = false,
            "max-retransmits" if channel.reliability == Reliability::Reliable => {
                channel.reliability = Reliability::MaxRetransmits(number()?);
            }
            "max-lifetime" if channel.reliability == Reliability::Reliable => {
                channel.reliability = Reliability::MaxLifetime(number()?);
            }
            "priority" => channel.priority = Priority(small()?),
            "stream" => init.stream = Some(ChannelId(small()?)),
            "application" => {
                let id = value.to_owned();
                let endpoint = AppEndpoint::Ue;
                init.application = Some(ChannelApplication { id, endpoint });
            }
            "endpoint" => {
                endpoint = Some(match value {
                    "ue" => AppEndpoint::Ue,
                    "server" => AppEndpoint::Server,
                    _ => return Err(bad()),
                });
            }
            "qos" => init.qos_hint = Some(value.to_owned()),
            "in-band" if value.is_empty() => init.in_band = true,
            _ => return Err(bad()),
        }
    }
    match (endpoint, &mut init.application) {
        (None, _) => {}
        (Some(endpoint), Some(application)) => application.endpoint = endpoint,
        (Some(_), None) => return Err("«endpoint» goes with «application»".into()),
    }
    Ok(init)
}

/// A rule on the command line: `any`, `label=LABEL`, `protocol=PROTOCOL` or `application=ID`.
pub(super) fn rule(text: &str) -> Result<ChannelRule, String> {
    match text.split_once('=') {
        None if text == "any" => Ok(ChannelRule::ANY),
        Some(("label", label)) => Ok(ChannelRule {
            label: Some(label.to_owned()),
            ..ChannelRule::ANY
        }),
        Some(("protocol", protocol)) => Ok(ChannelRule {
            protocol: Some(protocol.to_owned()),
            ..ChannelRule::ANY
        }),
        Some(("application", id)) => Ok(ChannelRule {
            application: Some(id.to_owned()),
            ..ChannelRule::ANY
        }),
        _ => Err(format!(
            "«{text}» is none of any, label=…, protocol=… and application=…"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_as_they_are_written() {
        let init = channel("game,protocol=chess,unordered,max-retransmits=2,priority=512").unwrap();
        assert_eq!(init.channel.label, "game");
        assert_eq!(init.channel.protocol, "chess");
        assert!(!init.channel.ordered);
        assert_eq!(init.channel.reliability, Reliability::MaxRetransmits(2));
        assert_eq!(init.channel.priority, Priority::HIGH);
        let init = channel("x,in-band,max-lifetime=150").unwrap();
        assert!(init.in_band && init.channel.ordered);
        assert_eq!(init.channel.reliability, Reliability::MaxLifetime(150));
        assert_eq!(
            channel("x,stream=1500").unwrap().stream,
            Some(ChannelId(1500))
        );
        let init = channel("p,endpoint=server,application=poll,qos=loss=0.01;latency=100").unwrap();
        let application = init.application.expect("an application");
        assert_eq!(application.id, "poll");
        assert_eq!(application.endpoint, AppEndpoint::Server);
        assert_eq!(init.qos_hint.as_deref(), Some("loss=0.01;latency=100"));
        for wrong in [
            "x,endpoint=server",
            "x,application=poll,endpoint=all",
            "x,fast",
            "x,max-lifetime=soon",
            "x,max-lifetime=1,max-retransmits=1",
            "x,stream=70000",
            "x,unordered=yes",
        ] {
            assert!(channel(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn rules_are_as_they_are_written() {
        assert_eq!(rule("any"), Ok(ChannelRule::ANY));
        assert_eq!(rule("label=a=b").unwrap().label.as_deref(), Some("a=b"));
        assert_eq!(rule("protocol=").unwrap().protocol.as_deref(), Some(""));
        assert_eq!(
            rule("application=7").unwrap().application.as_deref(),
            Some("7")
        );
        assert!(rule("all").is_err());
    }
}
