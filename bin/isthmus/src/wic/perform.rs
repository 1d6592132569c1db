//! Does what is typed.

use std::time::Instant;

use nf_wic::CallId;
use nf_wic::media::VideoSource;
use serde_json::json;
use wire_sip::StatusCode;

use super::commands::{Command, HELP, Shown};
use super::driver::Driver;
use super::ivf;

impl Driver {
    /// One line; what cannot be done is said, and nothing ends by it.
    pub(super) async fn command(&mut self, line: &str) {
        let line = line.trim();
        // An empty line, and a remark in a script.
        if line.is_empty() || line.starts_with('#') {
            return;
        }
        let done = match Command::parse(line) {
            Ok(command) => self.perform(command).await,
            Err(reason) => Err(reason),
        };
        if let Err(reason) = done {
            self.not_done(line, &reason);
        }
    }

    async fn perform(&mut self, command: Command) -> Result<(), String> {
        let now = Instant::now();
        let wic = &mut self.wic;
        let done = match command {
            Command::Call(target) => {
                let target = self.args.target(&target, self.index);
                wic.call(now, &target).map(|_| ())
            }
            Command::Answer(None) => wic.answer(now),
            Command::Answer(Some(id)) => wic.answer_call(now, id),
            Command::Reject(status) => {
                let status = StatusCode::new(status).unwrap_or(StatusCode::BUSY_HERE);
                wic.reject(now, status)
            }
            Command::Hangup(None) => wic.hang_up(now),
            Command::Hangup(Some(id)) => wic.hang_up_call(now, id),
            Command::Hold(held) => wic.hold(now, held),
            Command::Swap => wic.swap(now),
            Command::Video(None) => wic.drop_video(now),
            Command::Video(Some(shown)) => {
                let source = match shown {
                    Shown::AsToldAtFirst => self.shown.clone(),
                    Shown::Echo => VideoSource::Echo,
                    Shown::Film(file) => ivf::film(&file).map_err(|error| format!("{error:#}"))?,
                };
                wic.add_video(now, source)
            }
            Command::Restart(address) => {
                let current = wic.current();
                let lines = 1
                    + usize::from(current.is_some_and(|id| wic.has_video(id)))
                    + usize::from(current.is_some_and(|id| wic.has_data(id)));
                let address = address.unwrap_or(self.address);
                for _ in 0..lines {
                    let opened = self.sockets.open(address).await;
                    let local = opened.map_err(|error| format!("{error:#}"))?;
                    wic.add_socket(local);
                }
                self.address = address;
                wic.restart_ice(now)
            }
            Command::Refresh(update) => wic.refresh(now, update),
            Command::Reconnect => wic.reconnect(now),
            Command::Digits(digits) => wic.send_dtmf(&digits),
            Command::Report => {
                for id in wic.calls() {
                    self.tell(id);
                }
                Ok(())
            }
            Command::Open(spec) => return self.open_channel(now, &spec),
            Command::Take(number, take) => return self.answer_channel(now, number, take),
            Command::Close(number) => return self.close_channel(now, number),
            Command::Say(number, line) => return self.say_line(now, number, line),
            Command::Send(file) => {
                let call = wic.current().ok_or("there is no call")?;
                return self.send_file(now, call, file);
            }
            Command::Applications(source) => {
                return self.list_applications(now, source);
            }
            Command::Fetch(source, application, file) => {
                return self.fetch_application(now, source, &application, file);
            }
            Command::Channels => {
                self.list_channels();
                Ok(())
            }
            Command::Help => {
                self.report.say("help", json!({ "commands": HELP }));
                Ok(())
            }
            Command::Quit => {
                self.leave(now);
                Ok(())
            }
        };
        done.map_err(|reason| reason.to_string())
    }

    /// How a call is.
    fn tell(&mut self, id: CallId) {
        let media = self.wic.media_report_of(id);
        let Some((media, (held, remote_held))) = media.zip(self.wic.holds(id)) else {
            return;
        };
        let open = self.task.open.entry(id).or_default();
        let energy = open.reported.energy_since(media.packets, media.energy);
        let mut more = json!({
            "current": self.wic.current() == Some(id),
            "held": held,
            "remote_held": remote_held,
            "packets": media.packets,
            "sent": media.sent,
            "energy": (energy * 1e6).round() / 1e6,
        });
        if let Some(video) = self.wic.video_report_of(id) {
            more["video"] = json!({
                "on": self.wic.has_video(id),
                "packets": video.packets,
                "frames": video.frames,
                "sent": video.sent,
            });
        }
        self.report.say_of(id, "report", more);
    }
}
